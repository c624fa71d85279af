package dev.sonde.agent.probe;

import dev.sonde.exporter.model.Histogram;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * How long one workload's waits of one kind took, since the agent started.
 *
 * {@snippet :
 * Durations waits = new Durations();
 * waits.add(slot, 3);          // three more in the kernel's slot, see HistogramSlots
 * waits.addNanos(4_000_000);
 * out.add(METRIC, owner, waits.histogram());
 * }
 *
 * <p>A node has one for each workload and kind, tens of thousands, and most of them have values in
 * a few octaves or none at all: only the buckets between the least and the greatest value take
 * memory. Owned by the snapshot thread.
 */
final class Durations {
  /** Buckets are made room for by the octave. */
  private static final int STEP = 4;

  private static final long[] NONE = {};

  /** What all have that never had a value. */
  private static final Histogram EMPTY =
      new Histogram(HistogramSlots.ZERO_THRESHOLD, 0, HistogramSlots.FIRST_INDEX, NONE, 0, 0);

  private long zero;

  /** The buckets from {@link #first} on. */
  private long[] buckets = NONE;

  private int first;
  private long overflow;
  private long nanos;
  private @Nullable Histogram shown = EMPTY;

  /**
   * @param slot as in the kernel's array: zero bucket, buckets, overflow
   */
  void add(int slot, long count) {
    if (slot == 0) {
      zero += count;
    } else if (slot <= HistogramSlots.BUCKETS) {
      makeRoom(slot - 1);
      buckets[slot - 1 - first] += count;
    } else {
      overflow += count;
    }
    shown = null;
  }

  private void makeRoom(int bucket) {
    int end = first + buckets.length;
    if (buckets.length > 0 && bucket >= first && bucket < end) {
      return;
    }
    int newFirst = bucket - bucket % STEP;
    int newEnd = Math.min(newFirst + STEP, HistogramSlots.BUCKETS);
    if (buckets.length > 0) {
      newFirst = Math.min(newFirst, first);
      newEnd = Math.max(newEnd, end);
    }
    long[] more = new long[newEnd - newFirst];
    System.arraycopy(buckets, 0, more, buckets.length == 0 ? 0 : first - newFirst, buckets.length);
    buckets = more;
    first = newFirst;
  }

  void addNanos(long more) {
    nanos += more;
    shown = null;
  }

  /** The same object as long as nothing was added. */
  Histogram histogram() {
    Histogram h = shown;
    if (h == null) {
      h =
          new Histogram(
              HistogramSlots.ZERO_THRESHOLD,
              zero,
              HistogramSlots.FIRST_INDEX + first,
              Arrays.copyOf(buckets, buckets.length),
              overflow,
              nanos / 1e9);
      shown = h;
    }
    return h;
  }
}
