package dev.sonde.agent.probe;

import dev.sonde.ffi.MappedArray;
import dev.sonde.ffi.layout.SchedOffCpu;
import dev.sonde.ffi.layout.SchedStats;
import java.lang.foreign.MemorySegment;

/**
 * Reads one slot's rows, {@code sched_stats.h}: the sum over the CPUs, as a difference to what was
 * read before.
 *
 * <p>Buckets and counts are u32 and wrap; their differences do not, as long as somebody looks once
 * in four billion events. Owned by the snapshot thread.
 */
final class SchedRows implements AutoCloseable {
  private final MappedArray stats;
  private final MappedArray offCpu;
  private final boolean hasOffCpu;
  private final int rows;
  private final int maxSlots;
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

  /** Reads one number of a row. */
  private interface Field {
    long get(MemorySegment s, long row, int index);
  }

  SchedRows(SharedMaps maps, KernelSettings settings) {
    this.stats = maps.get("sched_stats").mmap();
    this.offCpu = maps.get("sched_off_cpu").mmap();
    this.hasOffCpu = settings.memory().offCpu();
    this.rows = MemoryPlan.rows(settings.cpus(), settings.memory().rowShift());
    this.maxSlots = settings.maxSlots();
    this.deadlines = settings.sched().deadlines().size();
  }

  void read(int slot, Last last, SchedTotals totals) {
    long onCpu = sum(slot, (s, row, i) -> SchedStats.onCpuNs(s, row), 0);
    totals.onCpuNanos += onCpu - last.onCpu;
    last.onCpu = onCpu;
    for (int i = 0; i < last.switches.length; i++) {
      totals.switches[i] += more(slot, SchedStats::switches, i, last.switches);
    }
    int migrations = (int) sum(slot, (s, row, i) -> SchedStats.migrations(s, row), 0);
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
    long nanos = sum(slot, SchedStats::waitNs, reason);
    if (nanos == last.waitNanos[reason]) {
      return;
    }
    for (int b = 0; b < HistogramSlots.SLOTS; b++) {
      int index = reason * HistogramSlots.SLOTS + b;
      long more = last.waits[reason].more(b, (int) sum(slot, SchedStats::waits, index));
      if (more != 0) {
        into.add(b, more);
      }
    }
    into.addNanos(nanos - last.waitNanos[reason]);
    last.waitNanos[reason] = nanos;
  }

  private void readBlocks(int slot, int kind, Last last, Durations into) {
    long nanos = sum(slot, SchedStats::offCpuNs, kind);
    if (nanos == last.blockNanos[kind]) {
      return;
    }
    MemorySegment s = offCpu.segment();
    for (int b = 0; b < HistogramSlots.SLOTS; b++) {
      int index = kind * HistogramSlots.SLOTS + b;
      int now = 0;
      for (int r = 0; r < rows; r++) {
        now += (int) SchedOffCpu.blocks(s, row(r, slot) * SchedOffCpu.SIZE, index);
      }
      long more = last.blocks[kind].more(b, now);
      if (more != 0) {
        into.add(b, more);
      }
    }
    into.addNanos(nanos - last.blockNanos[kind]);
    last.blockNanos[kind] = nanos;
  }

  private long more(int slot, Field field, int index, int[] last) {
    int now = (int) sum(slot, field, index);
    long more = Integer.toUnsignedLong(now - last[index]);
    last[index] = now;
    return more;
  }

  private long sum(int slot, Field field, int index) {
    MemorySegment s = stats.segment();
    long sum = 0;
    for (int r = 0; r < rows; r++) {
      sum += field.get(s, row(r, slot) * SchedStats.SIZE, index);
    }
    return sum;
  }

  private long row(int cpus, int slot) {
    return (long) cpus * maxSlots + slot;
  }

  @Override
  public void close() {
    stats.close();
    offCpu.close();
  }
}
