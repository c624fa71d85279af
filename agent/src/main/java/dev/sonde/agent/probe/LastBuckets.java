package dev.sonde.agent.probe;

/**
 * The kernel's counts of one histogram as they were last read, summed over its rows.
 *
 * <p>Kept as 32 bits: differences do not wrap as long as somebody looks once in four billion
 * events. Takes memory from the first event on. Owned by the snapshot thread.
 */
final class LastBuckets {
  private static final int[] NONE = {};

  private int[] counts = NONE;

  /** How many more there are in a slot of the kernel's than when this was last asked. */
  long more(int slot, int now) {
    if (counts.length == 0) {
      if (now == 0) {
        return 0;
      }
      counts = new int[HistogramSlots.SLOTS];
    }
    long more = Integer.toUnsignedLong(now - counts[slot]);
    counts[slot] = now;
    return more;
  }
}
