package dev.sonde.agent.workload;

/**
 * Makes a label's value of text that a pod or a user chose.
 *
 * <p>Pure, any thread, never throws. Quotes and backslashes stay: whoever renders escapes them.
 */
public final class LabelValue {
  private LabelValue() {}

  /**
   * {@code s} with {@code _} for every control character, lone surrogate and invisible character,
   * cut to at most {@code max} bytes of UTF-8 between two characters.
   */
  public static String clean(String s, int max) {
    StringBuilder out = new StringBuilder(Math.min(s.length(), max));
    int bytes = 0;
    for (int i = 0; i < s.length(); ) {
      int c = s.codePointAt(i);
      i += Character.charCount(c);
      if (Character.isISOControl(c) || !isCharacter(c)) {
        c = '_';
      }
      bytes += c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
      if (bytes > max) {
        break;
      }
      out.appendCodePoint(c);
    }
    return out.toString();
  }

  /** Whether it can be shown: no lone surrogate, no line or text direction control. */
  private static boolean isCharacter(int c) {
    return switch (Character.getType(c)) {
      case Character.SURROGATE,
          Character.FORMAT,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR,
          Character.UNASSIGNED,
          Character.PRIVATE_USE ->
          false;
      default -> true;
    };
  }
}
