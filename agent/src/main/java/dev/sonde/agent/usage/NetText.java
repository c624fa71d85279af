package dev.sonde.agent.usage;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Numbers of {@code /proc/P/net/netstat}, which has a line of names above each line of values.
 *
 * <pre>{@code
 * TcpExt: SyncookiesSent ... ListenOverflows ListenDrops ...
 * TcpExt: 0 ... 12 12 ...
 * }</pre>
 *
 * <p>Which names there are, and in which order, differs by kernel: they are looked for each time.
 * Pure functions, any thread; a text that is not as expected has no number, and never throws.
 */
final class NetText {
  private static final byte[] TCP_EXT = StatText.key("TcpExt:");

  private NetText() {}

  /**
   * Fills {@code values} with the numbers of {@code names}, {@link StatText#ABSENT} where there is
   * none.
   */
  static void tcpExt(MemorySegment text, int length, byte[][] names, long[] values) {
    for (int i = 0; i < values.length; i++) {
      values[i] = StatText.ABSENT;
    }
    int name = lineAfter(text, length, 0);
    int value = name < 0 ? -1 : lineAfter(text, length, endOfLine(text, length, name));
    if (value < 0) {
      return;
    }
    int namesEnd = endOfLine(text, length, name);
    int valuesEnd = endOfLine(text, length, value);
    while (true) {
      name = skipBlanks(text, namesEnd, name);
      value = skipBlanks(text, valuesEnd, value);
      if (name >= namesEnd || value >= valuesEnd) {
        return;
      }
      int nameEnd = endOfWord(text, namesEnd, name);
      for (int i = 0; i < names.length; i++) {
        if (names[i].length == nameEnd - name && matches(text, name, names[i])) {
          values[i] = StatText.number(text, valuesEnd, value);
        }
      }
      name = nameEnd;
      value = endOfWord(text, valuesEnd, value);
    }
  }

  /** Where the first line from {@code at} on that is of TcpExt goes on after that; or -1. */
  private static int lineAfter(MemorySegment text, int length, int at) {
    while (at < length) {
      if (at + TCP_EXT.length <= length && matches(text, at, TCP_EXT)) {
        return at + TCP_EXT.length;
      }
      at = endOfLine(text, length, at) + 1;
    }
    return -1;
  }

  private static boolean matches(MemorySegment text, int at, byte[] what) {
    for (int i = 0; i < what.length; i++) {
      if (byteAt(text, at + i) != what[i]) {
        return false;
      }
    }
    return true;
  }

  private static int endOfLine(MemorySegment text, int length, int at) {
    while (at < length && byteAt(text, at) != '\n') {
      at++;
    }
    return at;
  }

  private static int skipBlanks(MemorySegment text, int end, int at) {
    while (at < end && byteAt(text, at) == ' ') {
      at++;
    }
    return at;
  }

  private static int endOfWord(MemorySegment text, int end, int at) {
    while (at < end && byteAt(text, at) != ' ') {
      at++;
    }
    return at;
  }

  private static byte byteAt(MemorySegment text, int at) {
    return text.get(ValueLayout.JAVA_BYTE, at);
  }
}
