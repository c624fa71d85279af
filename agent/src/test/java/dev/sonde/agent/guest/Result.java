package dev.sonde.agent.guest;

import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * How one test in a guest ended, and the line of a file that carries it out of the guest.
 *
 * @param name what the test is called, below its class
 * @param message of what failed, with its trace; why it was skipped
 */
record Result(String testClass, String name, Status status, long millis, String message) {
  enum Status {
    PASSED,
    FAILED,
    SKIPPED
  }

  String line() {
    return String.join(
        "\t",
        List.of(
            testClass,
            escape(name),
            status.name().toLowerCase(Locale.ROOT),
            Long.toString(millis),
            escape(message)));
  }

  /** Null for a line that was not written to its end: the guest died meanwhile. */
  static @Nullable Result of(String line) {
    String[] f = line.split("\t", -1);
    if (f.length != 5) {
      return null;
    }
    return new Result(
        f[0],
        unescape(f[1]),
        Status.valueOf(f[2].toUpperCase(Locale.ROOT)),
        Long.parseLong(f[3]),
        unescape(f[4]));
  }

  private static String escape(String text) {
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "");
  }

  private static String unescape(String text) {
    StringBuilder out = new StringBuilder();
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '\\' && i + 1 < text.length()) {
        c =
            switch (text.charAt(++i)) {
              case 't' -> '\t';
              case 'n' -> '\n';
              default -> text.charAt(i);
            };
      }
      out.append(c);
    }
    return out.toString();
  }
}
