package dev.sonde.agent.probe;

import dev.sonde.ffi.layout.SchedOffCpu;
import dev.sonde.ffi.layout.SchedStats;

/**
 * Reads one slot's rows, {@code sched_stats.h}: the sum over the CPUs, as a difference to what was
 * read before.
 *
 * <p>Buckets and counts are u32 and wrap; their differences do not, as long as somebody looks once
 * in four billion events. Owned by the snapshot thread.
 */
final class SchedRows implements AutoCloseable {
  private final SlotRows stats;
  private final SlotRows offCpu;
  private final boolean hasOffCpu;
  private final int deadlines;

  /** What was last read of a slot, summed over its rows. */
  static final class Last {
    long onCpu;
    final long[] waitNanos = new long[SchedStats.WAIT_NS_COUNT];
    final long[] blockNanos = new long[SchedStats.OFF_CPU_NS_COUNT];
    final int[] switches = new int[SchedStats.SWITCHES_COUNT];
    int migrations;
    final int[] misses = new int[SchedStats.MISSES_COUNT];
    final LastBuckets[] waits = {new LastBuckets(), new LastBuckets(), new LastBuckets()};
    final LastBuckets[] blocks = {new LastBuckets(), new LastBuckets()};
  }

  SchedRows(SharedMaps maps, KernelSettings settings) {
    int rows = MemoryPlan.rows(settings.cpus(), settings.memory().rowShift());
    this.stats = new SlotRows(maps.get("sched_stats"), rows, settings.maxSlots());
    this.offCpu = new SlotRows(maps.get("sched_off_cpu"), rows, settings.maxSlots());
    this.hasOffCpu = settings.memory().offCpu();
    this.deadlines = settings.sched().deadlines().size();
  }

  void read(int slot, Last last, SchedTotals totals) {
    long onCpu = stats.sum(slot, SchedStats::onCpuNs);
    totals.onCpuNanos += onCpu - last.onCpu;
    last.onCpu = onCpu;
    for (int i = 0; i < last.switches.length; i++) {
      totals.switches[i] += more(slot, SchedStats::switches, i, last.switches);
    }
    int migrations = (int) stats.sum(slot, SchedStats::migrations);
    totals.migrations += Integer.toUnsignedLong(migrations - last.migrations);
    last.migrations = migrations;
    for (int i = 0; i < deadlines; i++) {
      totals.misses[i] += more(slot, SchedStats::misses, i, last.misses);
    }
    for (int r = 0; r < last.waitNanos.length; r++) {
      readWaits(slot, r, last, totals.waits[r]);
    }
    for (int k = 0; hasOffCpu && k < last.blockNanos.length; k++) {
      readBlocks(slot, k, last, totals.blocks[k]);
    }
  }

  /** Every wait is at least 1 ns long: where the sum stands still, so do the buckets. */
  private void readWaits(int slot, int reason, Last last, Durations into) {
    long nanos = stats.sum(slot, SchedStats::waitNs, reason);
    if (nanos == last.waitNanos[reason]) {
      return;
    }
    for (int b = 0; b < HistogramSlots.SLOTS; b++) {
      int index = reason * HistogramSlots.SLOTS + b;
      long more = last.waits[reason].more(b, (int) stats.sum(slot, SchedStats::waits, index));
      if (more != 0) {
        into.add(b, more);
      }
    }
    into.addNanos(nanos - last.waitNanos[reason]);
    last.waitNanos[reason] = nanos;
  }

  private void readBlocks(int slot, int kind, Last last, Durations into) {
    long nanos = stats.sum(slot, SchedStats::offCpuNs, kind);
    if (nanos == last.blockNanos[kind]) {
      return;
    }
    for (int b = 0; b < HistogramSlots.SLOTS; b++) {
      int index = kind * HistogramSlots.SLOTS + b;
      int now = (int) offCpu.sum(slot, SchedOffCpu::blocks, index);
      long more = last.blocks[kind].more(b, now);
      if (more != 0) {
        into.add(b, more);
      }
    }
    into.addNanos(nanos - last.blockNanos[kind]);
    last.blockNanos[kind] = nanos;
  }

  private long more(int slot, SlotRows.IndexedField field, int index, int[] last) {
    int now = (int) stats.sum(slot, field, index);
    long more = Integer.toUnsignedLong(now - last[index]);
    last[index] = now;
    return more;
  }

  @Override
  public void close() {
    stats.close();
    offCpu.close();
  }
}
