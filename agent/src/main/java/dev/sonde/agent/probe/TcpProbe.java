package dev.sonde.agent.probe;

import dev.sonde.agent.pipeline.SnapshotBuilder;
import dev.sonde.agent.workload.PodTable;
import dev.sonde.exporter.model.Metric;
import dev.sonde.ffi.layout.TcpStats;

/**
 * Bytes and retransmitted segments of each workload's TCP sockets: {@code tcp.bpf.c}.
 *
 * <p>Owned by the snapshot thread. Kernel floor 5.10.
 */
final class TcpProbe implements ProbeSource {
  static final Metric SENT =
      Metric.counter(
          "sonde_tcp_sent_bytes_total", "Bytes that send calls accepted, sendfile included.");
  static final Metric RECEIVED =
      Metric.counter("sonde_tcp_received_bytes_total", "Bytes copied to the application.");
  static final Metric RETRANSMITS =
      Metric.counter("sonde_tcp_retransmits_total", "Segments sent again, by why.");

  private final SlotRows stats;
  private final PerWorkload<Counts, Counts> workloads;

  /** The same shape for what was last read and for the totals. */
  private static final class Counts {
    long sent;
    long received;
    final long[] retransmits = new long[RetransmitType.values().length];

    boolean used() {
      return sent != 0 || received != 0 || PerWorkload.any(retransmits);
    }
  }

  TcpProbe(ProbeSet probes, Slots slots, PodTable pods) {
    this.stats = probes.rowsPerCpu("tcp_stats");
    this.workloads = new PerWorkload<>(slots, pods, Counts::new, w -> new Counts());
  }

  @Override
  public void collect(SnapshotBuilder out) {
    workloads.read(this::read);
    workloads.forgetGone();
    workloads.forEachShown(
        Counts::used,
        (owner, t) -> {
          out.add(SENT, owner, t.sent);
          out.add(RECEIVED, owner, t.received);
          for (RetransmitType type : RetransmitType.values()) {
            out.add(RETRANSMITS, owner, t.retransmits[type.number()], "type", type.label());
          }
        });
  }

  private void read(int slot, Counts last, Counts totals) {
    long sent = stats.sum(slot, TcpStats::sentBytes);
    long received = stats.sum(slot, TcpStats::receivedBytes);
    totals.sent += sent - last.sent;
    totals.received += received - last.received;
    last.sent = sent;
    last.received = received;
    for (int type = 0; type < totals.retransmits.length; type++) {
      long now = stats.sum(slot, TcpStats::retransmits, type);
      totals.retransmits[type] += now - last.retransmits[type];
      last.retransmits[type] = now;
    }
  }

  @Override
  public void close() {
    stats.close();
  }
}
