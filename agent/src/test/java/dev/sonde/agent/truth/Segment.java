package dev.sonde.agent.truth;

import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * A TCP segment that a {@link DelayLine} passed on, and when, by CLOCK_MONOTONIC.
 *
 * @param fromA which way it went
 * @param in when it had been read
 * @param begun when it was handed to the other side
 * @param done when that side's kernel had dealt with it
 * @param end the sequence number after its last byte
 */
record Segment(
    boolean fromA,
    long in,
    long begun,
    long done,
    int from,
    int to,
    boolean syn,
    boolean acknowledges,
    int acknowledged,
    int length,
    int end) {
  private static final int TCP = 6;
  private static final int FIN = 1;
  private static final int SYN = 2;
  private static final int ACK = 16;
  private static final int IPV6_HEADER = 40;

  /** Null if the packet is no TCP, or is none without extension headers. */
  static @Nullable Segment of(ByteBuffer packet, boolean fromA, long in, long begun, long done) {
    int version = packet.get(0) >> 4 & 15;
    int header = version == 4 ? (packet.get(0) & 15) * 4 : IPV6_HEADER;
    int protocol = packet.get(version == 4 ? 9 : 6);
    if (protocol != TCP) {
      return null;
    }
    int all =
        version == 4 ? packet.getShort(2) & 0xffff : IPV6_HEADER + (packet.getShort(4) & 0xffff);
    int length = all - header - (packet.get(header + 12) >> 4 & 15) * 4;
    int flags = packet.get(header + 13);
    boolean syn = (flags & SYN) != 0;
    int counted = length + (syn ? 1 : 0) + ((flags & FIN) != 0 ? 1 : 0);
    return new Segment(
        fromA,
        in,
        begun,
        done,
        packet.getShort(header) & 0xffff,
        packet.getShort(header + 2) & 0xffff,
        syn,
        (flags & ACK) != 0,
        packet.getInt(header + 8),
        length,
        packet.getInt(header + 4) + counted);
  }

  /** Whether it is of the answers to {@code other} and acknowledges all of it. */
  boolean answers(Segment other) {
    return fromA != other.fromA
        && from == other.to
        && to == other.from
        && acknowledges
        && acknowledged - other.end >= 0;
  }
}
