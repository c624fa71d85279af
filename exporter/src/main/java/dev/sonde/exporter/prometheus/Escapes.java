package dev.sonde.exporter.prometheus;

/**
 * UTF-8 with the escapes of the text format.
 *
 * <p>Label values come from pods: a quote, backslash or line feed in one must not end the value,
 * and half a surrogate pair must not make the page invalid UTF-8. Other control characters are
 * legal inside a value and stay.
 */
final class Escapes {
  private static final char REPLACEMENT = '\uFFFD';

  private Escapes() {}

  /** A label value, without its quotes. */
  static void labelValue(Bytes out, String s) {
    escape(out, s, true);
  }

  /** A HELP line: quotes stand as they are there. */
  static void help(Bytes out, String s) {
    escape(out, s, false);
  }

  /** {@code s} with every unpaired surrogate replaced, which is {@code s} itself nearly always. */
  static String wellFormed(String s) {
    for (int i = 0; i < s.length(); i++) {
      if (Character.isSurrogate(s.charAt(i))) {
        int[] codePoints =
            s.codePoints()
                .map(
                    c ->
                        c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE
                            ? REPLACEMENT
                            : c)
                .toArray();
        return new String(codePoints, 0, codePoints.length);
      }
    }
    return s;
  }

  private static void escape(Bytes out, String s, boolean quotes) {
    for (int i = 0; i < s.length(); i++) {
      char c = s.charAt(i);
      if (c == '\\') {
        out.put('\\').put('\\');
      } else if (c == '\n') {
        out.put('\\').put('n');
      } else if (c == '"' && quotes) {
        out.put('\\').put('"');
      } else if (Character.isHighSurrogate(c)
          && i + 1 < s.length()
          && Character.isLowSurrogate(s.charAt(i + 1))) {
        utf8(out, Character.toCodePoint(c, s.charAt(++i)));
      } else {
        utf8(out, Character.isSurrogate(c) ? REPLACEMENT : c);
      }
    }
  }

  private static void utf8(Bytes out, int c) {
    if (c < 0x80) {
      out.put(c);
    } else if (c < 0x800) {
      out.put(0xC0 | (c >> 6)).put(0x80 | (c & 0x3F));
    } else if (c < 0x10000) {
      out.put(0xE0 | (c >> 12)).put(0x80 | ((c >> 6) & 0x3F)).put(0x80 | (c & 0x3F));
    } else {
      out.put(0xF0 | (c >> 18)).put(0x80 | ((c >> 12) & 0x3F));
      out.put(0x80 | ((c >> 6) & 0x3F)).put(0x80 | (c & 0x3F));
    }
  }
}
