package dev.sonde.agent.probe;

import dev.sonde.exporter.model.Histogram;
import dev.sonde.exporter.model.Workload;
import org.jspecify.annotations.Nullable;

/**
 * What one workload's tasks did since the agent started: the sum over its cgroups, dead ones
 * included, so that it never falls.
 *
 * <p>Owned by the snapshot thread.
 */
final class SchedTotals {
  long onCpuNanos;
  final Durations[] waits = {new Durations(), new Durations(), new Durations()};
  final Durations[] blocks = {new Durations(), new Durations()};
  final long[] switches = new long[2];
  long migrations;
  final long[] misses = new long[SchedSettings.MAX_DEADLINES];
  final Culprits culprits;

  SchedTotals(Workload owner, int neighbours) {
    this.culprits = new Culprits(owner, neighbours);
  }

  /** Waits for one reason, or blocks of one kind. */
  static final class Durations {
    private long zero;
    private final long[] buckets = new long[HistogramSlots.BUCKETS];
    private long overflow;
    private long nanos;
    private @Nullable Histogram shown;

    /**
     * @param slot as in the kernel's array: zero bucket, buckets, overflow
     */
    void add(int slot, long count) {
      if (slot == 0) {
        zero += count;
      } else if (slot <= HistogramSlots.BUCKETS) {
        buckets[slot - 1] += count;
      } else {
        overflow += count;
      }
      shown = null;
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
                HistogramSlots.FIRST_INDEX,
                buckets.clone(),
                overflow,
                nanos / 1e9);
        shown = h;
      }
      return h;
    }
  }
}
