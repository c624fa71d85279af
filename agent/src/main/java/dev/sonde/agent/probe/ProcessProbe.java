package dev.sonde.agent.probe;

import dev.sonde.agent.pipeline.SnapshotBuilder;
import dev.sonde.agent.workload.PodTable;
import dev.sonde.exporter.model.Metric;
import dev.sonde.ffi.layout.ProcessStats;

/**
 * Processes that each workload started, and how they ended: {@code process.bpf.c}.
 *
 * <p>Owned by the snapshot thread. Kernel floor 5.10.
 */
final class ProcessProbe implements ProbeSource {
  static final Metric STARTED =
      Metric.counter("sonde_processes_started_total", "Processes forked; threads are none.");
  static final Metric EXITED =
      Metric.counter(
          "sonde_processes_exited_total",
          "Processes that ended, by what wait(2) tells: status 0, another, or a signal.");

  /** In the order of {@code enum exit_result}. */
  private static final String[] RESULTS = {"ok", "error", "signal"};

  private final SlotRows stats;
  private final PerWorkload<Counts, Counts> workloads;

  /** The same shape for what was last read and for the totals. */
  private static final class Counts {
    long started;
    final long[] exited = new long[RESULTS.length];
  }

  ProcessProbe(ProbeSet probes, Slots slots, PodTable pods) {
    this.stats = probes.rowsPerCpu("process_stats");
    this.workloads = new PerWorkload<>(slots, pods, Counts::new, w -> new Counts());
  }

  @Override
  public void collect(SnapshotBuilder out) {
    workloads.read(this::read);
    workloads.forgetGone();
    workloads.forEach(
        (owner, t) -> {
          out.add(STARTED, owner, t.started);
          for (int r = 0; r < RESULTS.length; r++) {
            out.add(EXITED, owner, t.exited[r], "result", RESULTS[r]);
          }
        });
  }

  private void read(int slot, Counts last, Counts totals) {
    long started = stats.sum(slot, ProcessStats::started);
    totals.started += started - last.started;
    last.started = started;
    for (int r = 0; r < RESULTS.length; r++) {
      long now = stats.sum(slot, ProcessStats::exited, r);
      totals.exited[r] += now - last.exited[r];
      last.exited[r] = now;
    }
  }

  @Override
  public void close() {
    stats.close();
  }
}
