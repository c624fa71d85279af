package dev.sonde.agent.probe;

import dev.sonde.agent.pipeline.SnapshotBuilder;
import dev.sonde.agent.pipeline.Source;
import dev.sonde.agent.workload.PodTable;
import dev.sonde.exporter.model.Metric;
import dev.sonde.ffi.BpfException;
import dev.sonde.ffi.BpfProgram;
import dev.sonde.ffi.MappedArray;
import dev.sonde.ffi.layout.CpuState;
import dev.sonde.ffi.layout.SchedStats;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * How long each workload's tasks waited for a CPU, and how long they ran: {@code sched.bpf.c}.
 *
 * <p>The kernel counts and bins every wait; once a snapshot this reads the rows of the slots that
 * are taken, straight from the mapped array. Owned by the snapshot thread. Kernel floor 5.10.
 */
final class SchedProbe implements Source, AutoCloseable {
  static final Metric RUN_QUEUE =
      Metric.histogram(
          "sonde_sched_run_queue_seconds",
          "Time from becoming runnable to running, by why the task was waiting: woken up, or preempted.",
          // 15 us, 122 us, 1 ms, 4 ms, 16 ms, 62 ms, 250 ms, 1 s, 4 s
          -64,
          -52,
          -40,
          -32,
          -24,
          -16,
          -8,
          0,
          8);

  static final Metric ON_CPU =
      Metric.counter("sonde_sched_on_cpu_seconds_total", "Time that tasks ran on a CPU.");

  /** {@code cpu_state.slot} of an idle CPU. */
  private static final long SLOT_NONE = 0xffff_ffffL;

  private static final String[] REASONS = {"wakeup", "preempted"};

  private final KernelSettings settings;
  private final @Nullable BpfProgram flush;
  private final boolean flushIdle;
  private final MappedArray stats;
  private final MappedArray cpuStates;
  private final PerWorkload<Last, SchedTotals> workloads;

  /**
   * What was last read of a slot, summed over the CPUs. Buckets are u32 and wrap: differences are
   * what counts.
   */
  private static final class Last {
    long onCpu;
    final long[] waitNanos = new long[REASONS.length];
    final int[] waits = new int[REASONS.length * HistogramSlots.SLOTS];
  }

  SchedProbe(ProbeSet probes, AttachedProbe probe, Slots slots, PodTable pods) {
    this.settings = probes.settings();
    this.flush = probe.program("sched_flush");
    this.flushIdle = probe.report().mechanism().equals("tracepoint");
    this.stats = probes.maps().get("sched_stats").mmap();
    this.cpuStates = probes.maps().get("cpu_states").mmap();
    this.workloads = new PerWorkload<>(slots, pods, Last::new, SchedTotals::new);
  }

  @Override
  public void collect(SnapshotBuilder out) {
    closeOpenIntervals();
    workloads.read(this::read);
    workloads.forEach(
        (owner, t) -> {
          out.add(ON_CPU, owner, t.onCpuNanos / 1e9);
          for (int r = 0; r < REASONS.length; r++) {
            out.add(RUN_QUEUE, owner, t.waits[r].histogram(), "reason", REASONS[r]);
          }
        });
  }

  /**
   * A task that never gives up its CPU would not be seen running: the kernel counts it up to now on
   * each busy CPU.
   */
  private void closeOpenIntervals() {
    BpfProgram program = flush;
    if (program == null) {
      return;
    }
    MemorySegment states = cpuStates.segment();
    for (int cpu = 0; cpu < settings.cpus(); cpu++) {
      long state = cpu * CpuState.SIZE;
      boolean seen = CpuState.since(states, state) != 0;
      boolean idle = !flushIdle && CpuState.slot(states, state) == SLOT_NONE;
      if (seen && !idle) {
        try {
          program.testRun(new byte[0], new byte[0], cpu);
        } catch (BpfException offline) {
          // the CPU was taken offline: nothing runs there
        }
      }
    }
  }

  private void read(int slot, Last last, SchedTotals totals) {
    MemorySegment s = stats.segment();
    long onCpu = 0;
    long wait0 = 0;
    long wait1 = 0;
    for (int cpu = 0; cpu < settings.cpus(); cpu++) {
      long row = row(cpu, slot);
      onCpu += SchedStats.onCpuNs(s, row);
      wait0 += SchedStats.waitNs(s, row, 0);
      wait1 += SchedStats.waitNs(s, row, 1);
    }
    totals.onCpuNanos += onCpu - last.onCpu;
    last.onCpu = onCpu;
    // every wait is at least 1 ns long: where the sum stands still, so do the buckets
    readWaits(slot, 0, wait0, last, totals);
    readWaits(slot, 1, wait1, last, totals);
  }

  private void readWaits(int slot, int reason, long nanos, Last last, SchedTotals totals) {
    if (nanos == last.waitNanos[reason]) {
      return;
    }
    SchedTotals.Waits waits = totals.waits[reason];
    MemorySegment s = stats.segment();
    for (int b = 0; b < HistogramSlots.SLOTS; b++) {
      int index = reason * HistogramSlots.SLOTS + b;
      int now = 0;
      for (int cpu = 0; cpu < settings.cpus(); cpu++) {
        now += (int) SchedStats.waits(s, row(cpu, slot), index);
      }
      int more = now - last.waits[index];
      if (more != 0) {
        waits.add(b, Integer.toUnsignedLong(more));
        last.waits[index] = now;
      }
    }
    waits.addNanos(nanos - last.waitNanos[reason]);
    last.waitNanos[reason] = nanos;
  }

  private long row(int cpu, int slot) {
    return ((long) cpu * settings.maxSlots() + slot) * SchedStats.SIZE;
  }

  @Override
  public void close() {
    stats.close();
    cpuStates.close();
  }
}
