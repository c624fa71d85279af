package dev.sonde.agent.peers;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.util.regex.Pattern;

/**
 * How many bits of an address are told: {@code 24,64} makes {@code 10.1.2.3} {@code 10.1.2.0/24}.
 *
 * @param v4 of 32
 * @param v6 of 128
 */
public record PeerMask(int v4, int v6) {
  /** The first zeros of an IPv6 address that are more than one. */
  private static final Pattern ZEROS = Pattern.compile("(^|:)(0(:|$)){2,}");

  public PeerMask {
    if (v4 < 0 || v4 > 32 || v6 < 0 || v6 > 128) {
      throw new IllegalArgumentException(
          "masks of " + v4 + " and " + v6 + " bits: at most 32 of IPv4 and 128 of IPv6");
    }
  }

  /**
   * @throws IllegalArgumentException it is not two numbers of bits
   */
  public static PeerMask parse(String text) {
    String[] parts = text.split(",", -1);
    try {
      if (parts.length == 2) {
        return new PeerMask(Integer.parseInt(parts[0].strip()), Integer.parseInt(parts[1].strip()));
      }
    } catch (NumberFormatException e) {
      // said below
    }
    throw new IllegalArgumentException("'" + text + "' is not BITS4,BITS6");
  }

  /** The network that an address is in; {@code loopback} for the host's own. */
  String network(long high, long low) {
    if (isLoopback(high, low)) {
      return "loopback";
    }
    if (high == 0 && low >>> 32 == 0xffff) {
      int bits = v4 == 0 ? 0 : (int) low & (-1 << (32 - v4));
      return (bits >>> 24)
          + "."
          + (bits >>> 16 & 255)
          + "."
          + (bits >>> 8 & 255)
          + "."
          + (bits & 255)
          + "/"
          + v4;
    }
    byte[] bytes =
        ByteBuffer.allocate(16)
            .putLong(high & ones(v6))
            .putLong(low & ones(v6 - Long.SIZE))
            .array();
    try {
      String text = Inet6Address.getByAddress("", bytes, -1).getHostAddress();
      return ZEROS.matcher(text).replaceFirst("::") + "/" + v6;
    } catch (UnknownHostException e) {
      throw new AssertionError("16 bytes are an address", e);
    }
  }

  private static long ones(int bits) {
    return bits <= 0 ? 0 : bits >= Long.SIZE ? -1L : -1L << (Long.SIZE - bits);
  }

  static boolean isLoopback(long high, long low) {
    return high == 0 && (low == 1 || low >>> 24 == (0xffffL << 8 | 127));
  }

  /** For tests and logs. */
  static long[] words(InetAddress address) {
    byte[] b = address.getAddress();
    if (b.length == 4) {
      return new long[] {0, PeerTap.MAPPED | Integer.toUnsignedLong(ByteBuffer.wrap(b).getInt())};
    }
    ByteBuffer whole = ByteBuffer.wrap(b);
    return new long[] {whole.getLong(), whole.getLong()};
  }
}
