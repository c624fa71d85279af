package dev.sonde.agent.probe;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Numeric addresses of kernel records, {@code 10.0.0.1:5201}, {@code [fd00::1]:5201} and {@code
 * [::ffff:10.0.0.1]:5201}. Never resolves a name.
 */
final class Addresses {
  static final int AF_INET6 = 10;

  /** Bytes before the IPv4 address in a mapped one. */
  private static final int MAPPED_PREFIX = 12;

  private Addresses() {}

  static String format(MemorySegment record, long at, boolean v6, int port) {
    StringBuilder out = new StringBuilder(48);
    if (!v6) {
      appendV4(out, record, at);
    } else if (isMapped(record, at)) {
      appendV4(out.append("[::ffff:"), record, at + MAPPED_PREFIX);
      out.append(']');
    } else {
      appendV6(out.append('['), record, at);
      out.append(']');
    }
    return out.append(':').append(port).toString();
  }

  private static void appendV4(StringBuilder out, MemorySegment record, long at) {
    for (int i = 0; i < 4; i++) {
      out.append(i == 0 ? "" : ".")
          .append(Byte.toUnsignedInt(record.get(ValueLayout.JAVA_BYTE, at + i)));
    }
  }

  /** An IPv4 connection of a socket that takes both: {@code ::ffff:0:0/96}, RFC 4291. */
  private static boolean isMapped(MemorySegment record, long at) {
    for (int i = 0; i < MAPPED_PREFIX; i++) {
      if (record.get(ValueLayout.JAVA_BYTE, at + i) != (i < 10 ? 0 : (byte) 0xff)) {
        return false;
      }
    }
    return true;
  }

  /** RFC 5952: lower case, the longest run of two or more zero groups as {@code ::}. */
  private static void appendV6(StringBuilder out, MemorySegment record, long at) {
    int[] groups = new int[8];
    for (int i = 0; i < 8; i++) {
      groups[i] =
          Byte.toUnsignedInt(record.get(ValueLayout.JAVA_BYTE, at + 2L * i)) << 8
              | Byte.toUnsignedInt(record.get(ValueLayout.JAVA_BYTE, at + 2L * i + 1));
    }
    int start = -1;
    int length = 1;
    for (int i = 0; i < 8; i++) {
      int n = 0;
      while (i + n < 8 && groups[i + n] == 0) {
        n++;
      }
      if (n > length) {
        start = i;
        length = n;
      }
    }
    for (int i = 0; i < 8; ) {
      if (i == start) {
        out.append("::");
        i += length;
      } else {
        out.append(i == 0 || i == start + length ? "" : ":").append(Integer.toHexString(groups[i]));
        i++;
      }
    }
  }
}
