package dev.sonde.agent.probe;

import dev.sonde.agent.config.Quantities;
import dev.sonde.agent.pipeline.SnapshotBuilder;
import dev.sonde.agent.pipeline.Source;
import dev.sonde.agent.workload.PodTable;
import dev.sonde.exporter.model.Workload;
import dev.sonde.ffi.BpfException;
import dev.sonde.ffi.BpfProgram;
import dev.sonde.ffi.MappedArray;
import dev.sonde.ffi.layout.CpuState;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * How long each workload's tasks waited for a CPU and why, how long they ran and were blocked, and
 * who took their CPU: {@code sched.bpf.c}.
 *
 * <p>The kernel counts and bins; once a snapshot this reads the rows of the slots that are taken,
 * straight from the mapped arrays. Owned by the snapshot thread. Kernel floor 5.10.
 */
final class SchedProbe implements Source, AutoCloseable {
  /** {@code cpu_state.slot} of an idle CPU. */
  private static final long SLOT_NONE = 0xffff_ffffL;

  /** {@code enum switch_kind}. */
  private static final String[] SWITCHES = {"involuntary", "voluntary"};

  /** {@code enum block_kind}. */
  private static final String[] BLOCKS = {"sleep", "io"};

  private final KernelSettings settings;
  private final @Nullable BpfProgram flush;
  private final boolean flushIdle;
  private final MappedArray cpuStates;
  private final Slots slots;
  private final SchedRows rows;
  private final PerWorkload<SchedRows.Last, SchedTotals> workloads;
  private final @Nullable Neighbours neighbours;
  private final String[] thresholds;

  SchedProbe(ProbeSet probes, AttachedProbe probe, Slots slots, PodTable pods) {
    this.settings = probes.settings();
    this.slots = slots;
    this.flush = probe.program("sched_flush");
    this.flushIdle = probe.report().mechanism().equals("tracepoint");
    this.cpuStates = probes.maps().get("cpu_states").mmap();
    this.rows = new SchedRows(probes.maps(), settings);
    int named = settings.sched().neighbours();
    this.workloads =
        new PerWorkload<>(slots, pods, SchedRows.Last::new, w -> new SchedTotals(w, named));
    this.neighbours =
        named > 0 && settings.memory().neighbours()
            ? new Neighbours(probes.maps(), workloads)
            : null;
    this.thresholds =
        settings.sched().deadlines().stream().map(Quantities::format).toArray(String[]::new);
  }

  @Override
  public void collect(SnapshotBuilder out) {
    closeOpenIntervals();
    workloads.read(rows::read);
    if (neighbours != null) {
      neighbours.read(slots.end());
    }
    workloads.forgetGone();
    workloads.forEach((owner, t) -> add(out, owner, t));
    if (neighbours != null) {
      out.addOwn(KernelSource.MAP_ENTRIES, neighbours.entries(), "map", "neighbours");
      out.addOwn(
          KernelSource.MAP_CAPACITY, MemoryPlan.pairs(settings.maxSlots()), "map", "neighbours");
    }
  }

  private void add(SnapshotBuilder out, Workload owner, SchedTotals t) {
    out.add(SchedMetrics.ON_CPU, owner, t.onCpuNanos / 1e9);
    out.add(SchedMetrics.MIGRATIONS, owner, t.migrations);
    for (WaitReason reason : WaitReason.values()) {
      out.add(
          SchedMetrics.RUN_QUEUE,
          owner,
          t.waits[reason.number()].histogram(),
          "reason",
          reason.label());
    }
    for (int i = 0; i < SWITCHES.length; i++) {
      out.add(SchedMetrics.SWITCHES, owner, t.switches[i], "kind", SWITCHES[i]);
    }
    for (int i = 0; settings.memory().offCpu() && i < BLOCKS.length; i++) {
      out.add(SchedMetrics.OFF_CPU, owner, t.blocks[i].histogram(), "kind", BLOCKS[i]);
    }
    for (int i = 0; i < thresholds.length; i++) {
      out.add(SchedMetrics.DEADLINE_MISSES, owner, t.misses[i], "threshold", thresholds[i]);
    }
    t.culprits.settle();
    t.culprits.forEach((culprit, nanos) -> addPreempted(out, owner, culprit, nanos));
  }

  private static void addPreempted(
      SnapshotBuilder out, Workload victim, Workload culprit, long nanos) {
    out.add(
        SchedMetrics.PREEMPTED,
        victim,
        nanos / 1e9,
        "by_namespace",
        culprit.namespace(),
        "by_pod",
        culprit.pod(),
        "by_container",
        culprit.container(),
        "by_unit",
        culprit.unit());
  }

  /** A slot is about to be given to another workload. */
  void forget(int slot) {
    if (neighbours != null) {
      neighbours.forget(slot);
    }
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

  @Override
  public void close() {
    cpuStates.close();
    rows.close();
    if (neighbours != null) {
      neighbours.close();
    }
  }
}
