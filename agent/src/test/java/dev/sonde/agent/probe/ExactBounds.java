package dev.sonde.agent.probe;

import java.math.BigInteger;

/**
 * The bucket arithmetic of schema 2 in integers only, written from the definition and not from the
 * code under test: bucket {@code i} ends at 2^(i/4) seconds, so {@code v} nanoseconds are at most
 * that if and only if v^4 <= 2^i * 10^36.
 */
public final class ExactBounds {
  /** Slots of the kernel's array: the zero bucket, 104 buckets, overflow. */
  public static final int SLOTS = 106;

  private static final int ZERO_INDEX = -80;
  private static final BigInteger SECOND_TO_THE_FOURTH = BigInteger.TEN.pow(36);
  private static final BigInteger[] BOUNDS = new BigInteger[SLOTS - 1];

  static {
    for (int i = 0; i < BOUNDS.length; i++) {
      BOUNDS[i] = nanos(ZERO_INDEX + i);
    }
  }

  private ExactBounds() {}

  /** The greatest whole number of nanoseconds that is in bucket {@code index} or a lower one. */
  public static BigInteger nanos(int index) {
    BigInteger bound =
        index >= 0
            ? SECOND_TO_THE_FOURTH.shiftLeft(index)
            : SECOND_TO_THE_FOURTH.shiftRight(-index);
    // floor(sqrt(floor(sqrt(x)))) is the floor of the fourth root
    return bound.sqrt().sqrt();
  }

  /** The greatest value of {@code slot}; the last slot has none. */
  public static long lastNanosOf(int slot) {
    return BOUNDS[slot].longValueExact();
  }

  /**
   * @param nanos unsigned
   */
  public static int slot(long nanos) {
    BigInteger v = new BigInteger(Long.toUnsignedString(nanos));
    int slot = 0;
    while (slot < BOUNDS.length && v.compareTo(BOUNDS[slot]) > 0) {
      slot++;
    }
    return slot;
  }
}
