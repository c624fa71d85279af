package dev.sonde.agent.probe;

import dev.sonde.agent.pipeline.SnapshotBuilder;
import dev.sonde.agent.workload.PodTable;
import dev.sonde.exporter.model.Metric;
import dev.sonde.ffi.layout.MemoryStats;

/**
 * How long each workload's tasks were held up reclaiming memory, and how many of its processes were
 * killed for want of it: {@code memory.bpf.c}.
 *
 * <p>Owned by the snapshot thread. Kernel floor 5.10.
 */
final class MemoryProbe implements ProbeSource {
  static final Metric RECLAIM =
      Metric.counter(
          "sonde_memory_reclaim_seconds_total",
          "Time that tasks were held up in direct reclaim, of the node or of a cgroup's limit.");
  static final Metric OOM_KILLS =
      Metric.counter("sonde_oom_kills_total", "Processes killed for want of memory.");

  private final boolean reclaim;
  private final boolean oom;
  private final SlotRows stats;
  private final PerWorkload<Counts, Counts> workloads;

  /** The same shape for what was last read and for the totals. */
  private static final class Counts {
    long reclaimNanos;
    long oomKills;
  }

  MemoryProbe(ProbeSet probes, Slots slots, PodTable pods) {
    // two probes of one object: what is not counted has no series
    this.reclaim = probes.probe(Probes.MEMORY_RECLAIM).loaded() != null;
    this.oom = probes.probe(Probes.OOM).loaded() != null;
    this.stats = probes.rowsPerCpu("memory_stats");
    this.workloads = new PerWorkload<>(slots, pods, Counts::new, w -> new Counts());
  }

  @Override
  public void collect(SnapshotBuilder out) {
    workloads.read(this::read);
    workloads.forgetGone();
    workloads.forEach(
        (owner, t) -> {
          if (reclaim) {
            out.add(RECLAIM, owner, t.reclaimNanos / 1e9);
          }
          if (oom) {
            out.add(OOM_KILLS, owner, t.oomKills);
          }
        });
  }

  private void read(int slot, Counts last, Counts totals) {
    long nanos = stats.sum(slot, MemoryStats::reclaimNs);
    long kills = stats.sum(slot, MemoryStats::oomKills);
    totals.reclaimNanos += nanos - last.reclaimNanos;
    totals.oomKills += kills - last.oomKills;
    last.reclaimNanos = nanos;
    last.oomKills = kills;
  }

  @Override
  public void close() {
    stats.close();
  }
}
