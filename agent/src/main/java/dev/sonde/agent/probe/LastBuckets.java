package dev.sonde.agent.probe;

/**
 * The kernel's counts of one histogram as they were last read, summed over its rows.
 *
 * <p>Kept as 32 bits: differences do not wrap as long as somebody looks once in four billion
 * events. Takes memory for the slots between the first and the last that ever counted. Owned by the
 * snapshot thread.
 */
final class LastBuckets {
  private static final int[] NONE = {};
  private static final int STEP = 4;

  /** Of the slots from {@link #first} on; the others are zero. */
  private int[] counts = NONE;

  private int first;

  /** How many more there are in a slot of the kernel's than when this was last asked. */
  long more(int slot, int now) {
    int at = slot - first;
    if (at < 0 || at >= counts.length) {
      if (now == 0) {
        return 0;
      }
      makeRoom(slot);
      at = slot - first;
    }
    long more = Integer.toUnsignedLong(now - counts[at]);
    counts[at] = now;
    return more;
  }

  private void makeRoom(int slot) {
    int newFirst = slot - slot % STEP;
    int newEnd = newFirst + STEP;
    if (counts.length > 0) {
      newFirst = Math.min(newFirst, first);
      newEnd = Math.max(newEnd, first + counts.length);
    }
    int[] more = new int[newEnd - newFirst];
    System.arraycopy(counts, 0, more, counts.length == 0 ? 0 : first - newFirst, counts.length);
    counts = more;
    first = newFirst;
  }
}
