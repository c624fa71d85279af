package dev.sonde.agent.truth;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A table of the repository that guests hold themselves to, and where they leave what they found:
 * {@code tools/matrix --update} makes the one from the other.
 *
 * <p>A line is the guest, a name, and a value, with tabs between.
 */
record Expected(Map<String, String> values, Path found) {
  static final String GUEST = System.getProperty("sonde.guest", "");

  /**
   * @param name of the file in {@code vmtest/}
   */
  static Expected of(String name) {
    Map<String, String> values = new LinkedHashMap<>();
    Path table = Path.of(System.getProperty("sonde.root", ".."), "vmtest", name);
    try {
      if (Files.exists(table)) {
        for (String line : Files.readAllLines(table)) {
          String[] f = line.split("\t", -1);
          if (f.length == 3 && f[0].equals(GUEST)) {
            values.put(f[1], f[2]);
          }
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return new Expected(values, Path.of("/run/vmtest", name));
  }

  /** What the table says of {@code name} in this guest; null if it is new. */
  @Nullable String get(String name) {
    return values.get(name);
  }

  void found(String name, String value) {
    try {
      Files.writeString(
          found,
          GUEST + "\t" + name + "\t" + value + "\n",
          StandardOpenOption.CREATE,
          StandardOpenOption.APPEND);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
