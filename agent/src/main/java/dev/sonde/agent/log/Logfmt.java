package dev.sonde.agent.log;

import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import org.jspecify.annotations.Nullable;

/**
 * One log line as text: {@code key=value} pairs, values quoted where they must be.
 *
 * <p>Whatever a value holds (a line break out of a verifier log, a quote out of a command line),
 * the result is one line that a logfmt parser reads back.
 */
final class Logfmt {
  private static final DateTimeFormatter TIME =
      DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.SSS'Z'").withZone(ZoneOffset.UTC);

  private Logfmt() {}

  /** A line without its line break; {@code pairs} are alternating keys and values. */
  static String line(
      Instant time, LogLevel level, String logger, String message, @Nullable Object... pairs) {
    StringBuilder out = new StringBuilder(160);
    out.append("time=");
    TIME.formatTo(time, out);
    out.append(" level=").append(level.text());
    pair(out, "logger", logger);
    pair(out, "msg", message);
    for (int i = 0; i + 1 < pairs.length; i += 2) {
      pair(out, key(String.valueOf(pairs[i])), String.valueOf(pairs[i + 1]));
    }
    if (pairs.length % 2 != 0) {
      pair(out, "extra", String.valueOf(pairs[pairs.length - 1]));
    }
    return out.toString();
  }

  private static void pair(StringBuilder out, String key, String value) {
    out.append(' ').append(key).append('=');
    if (isBare(value)) {
      out.append(value);
    } else {
      quote(out, value);
    }
  }

  private static String key(String key) {
    for (int i = 0; i < key.length(); i++) {
      if (!isBare(key.charAt(i))) {
        return key.replaceAll("[^!#-<>-\\[\\]-~]", "_");
      }
    }
    return key.isEmpty() ? "_" : key;
  }

  private static boolean isBare(String value) {
    for (int i = 0; i < value.length(); i++) {
      if (!isBare(value.charAt(i))) {
        return false;
      }
    }
    return !value.isEmpty();
  }

  private static boolean isBare(char c) {
    return c > ' ' && c < 0x7f && c != '"' && c != '=' && c != '\\';
  }

  private static void quote(StringBuilder out, String value) {
    out.append('"');
    for (int i = 0; i < value.length(); i++) {
      char c = value.charAt(i);
      switch (c) {
        case '"' -> out.append("\\\"");
        case '\\' -> out.append("\\\\");
        case '\n' -> out.append("\\n");
        case '\r' -> out.append("\\r");
        case '\t' -> out.append("\\t");
        default -> {
          // Control characters could move a terminal's cursor; U+2028 and U+2029 break lines.
          if (Character.isISOControl(c) || c == '\u2028' || c == '\u2029') {
            out.append(String.format("\\u%04x", (int) c));
          } else {
            out.append(c);
          }
        }
      }
    }
    out.append('"');
  }
}
