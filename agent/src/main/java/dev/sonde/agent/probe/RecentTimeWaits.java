package dev.sonde.agent.probe;

import java.util.Arrays;

/**
 * How many of a workload's connections went into TIME_WAIT within the last minute, which is how
 * long the kernel keeps them there (TCP_TIMEWAIT_LEN).
 *
 * <p>To the second. Owned by the snapshot thread.
 */
final class RecentTimeWaits {
  static final int SECONDS = 60;

  private final long[] added = new long[SECONDS];
  private long second = Long.MIN_VALUE;
  private long sum;

  /**
   * @param now seconds of a clock that does not go back
   */
  void add(long now, long count) {
    if (second != Long.MIN_VALUE && now - second >= SECONDS) {
      Arrays.fill(added, 0);
      sum = 0;
    } else if (second != Long.MIN_VALUE) {
      for (long s = second + 1; s <= now; s++) {
        int at = Math.floorMod(s, SECONDS);
        sum -= added[at];
        added[at] = 0;
      }
    }
    second = now;
    added[Math.floorMod(now, SECONDS)] += count;
    sum += count;
  }

  long sum() {
    return sum;
  }
}
