package dev.sonde.agent.usage;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;

/**
 * Numbers in the kernel's text files, found without making a string.
 *
 * <pre>{@code
 * usage_usec 5113            some avg10=0.00 avg60=0.00 avg300=0.00 total=4711
 * }</pre>
 *
 * <p>Pure functions, any thread; a text that is not as expected has no number, and never throws.
 */
final class StatText {
  /** No such number in the text. */
  static final long ABSENT = -1;

  private StatText() {}

  /** A key as it stands in the text. */
  static byte[] key(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }

  /** The number after {@code key} and a blank, on the line that begins so. */
  static long value(MemorySegment text, int length, byte[] key) {
    int line = lineOf(text, length, key);
    return line < 0 ? ABSENT : number(text, length, line + key.length + 1);
  }

  /** The number after {@code mark}, on the line that begins with {@code key} and a blank. */
  static long value(MemorySegment text, int length, byte[] key, byte[] mark) {
    int line = lineOf(text, length, key);
    if (line < 0) {
      return ABSENT;
    }
    for (int at = line; at < length && byteAt(text, at) != '\n'; at++) {
      if (matches(text, length, at, mark)) {
        return number(text, length, at + mark.length);
      }
    }
    return ABSENT;
  }

  /** The number that starts at {@code at}, blanks before it skipped. */
  static long number(MemorySegment text, int length, int at) {
    while (at < length && byteAt(text, at) == ' ') {
      at++;
    }
    long value = 0;
    int digits = 0;
    for (; at < length; at++, digits++) {
      int digit = byteAt(text, at) - '0';
      if (digit < 0 || digit > 9) {
        break;
      }
      value = value * 10 + digit;
    }
    // 19 digits may be more than a long holds: no counter of the kernel gets there
    return digits == 0 || digits > 18 ? ABSENT : value;
  }

  private static int lineOf(MemorySegment text, int length, byte[] key) {
    int at = 0;
    while (at < length) {
      if (matches(text, length, at, key)
          && at + key.length < length
          && byteAt(text, at + key.length) == ' ') {
        return at;
      }
      while (at < length && byteAt(text, at) != '\n') {
        at++;
      }
      at++;
    }
    return -1;
  }

  private static boolean matches(MemorySegment text, int length, int at, byte[] what) {
    if (at + what.length > length) {
      return false;
    }
    for (int i = 0; i < what.length; i++) {
      if (byteAt(text, at + i) != what[i]) {
        return false;
      }
    }
    return true;
  }

  private static byte byteAt(MemorySegment text, int at) {
    return text.get(ValueLayout.JAVA_BYTE, at);
  }
}
