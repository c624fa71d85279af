package dev.sonde.ffi.btf;

import java.util.Locale;
import javax.lang.model.SourceVersion;

/** C names in Java's spelling. */
final class Names {
  private Names() {}

  /** {@code wait_event} to {@code WaitEvent}. */
  static String type(String name) {
    StringBuilder text = new StringBuilder();
    for (String word : name.split("_+", -1)) {
      text.append(capital(word));
    }
    return text.toString();
  }

  /** {@code cgroup_id} to {@code cgroupId}; a Java keyword gets a trailing underscore. */
  static String field(String name) {
    String type = type(name);
    if (type.isEmpty()) {
      throw new BtfException("a field named '" + name + "' has no Java name");
    }
    String text = type.substring(0, 1).toLowerCase(Locale.ROOT) + type.substring(1);
    return SourceVersion.isKeyword(text) ? text + "_" : text;
  }

  /** {@code cgroup_id} to {@code CGROUP_ID}. */
  static String constant(String name) {
    return name.toUpperCase(Locale.ROOT);
  }

  private static String capital(String word) {
    return word.isEmpty() ? "" : word.substring(0, 1).toUpperCase(Locale.ROOT) + word.substring(1);
  }
}
