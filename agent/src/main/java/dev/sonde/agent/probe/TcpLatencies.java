package dev.sonde.agent.probe;

import dev.sonde.agent.pipeline.SnapshotBuilder;
import dev.sonde.agent.workload.PodTable;
import dev.sonde.exporter.model.Metric;
import dev.sonde.ffi.layout.TcpLatency;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * How long things took on each workload's TCP sockets: {@code tcp_latency.h}.
 *
 * <p>The kernel bins; this reads the rows of the slots that are taken. Owned by the snapshot
 * thread.
 */
final class TcpLatencies implements ProbeSource {
  /** Rows of a slot: {@code LATENCIES}. */
  static final int KINDS = 5;

  /** {@code enum tcp_latency_kind}, as {@link dev.sonde.exporter.model.Event.TcpWait} names it. */
  static final List<String> WAITS = List.of("connect", "rtt", "send_ack", "receive", "accept");

  /** 15 us, 122 us, 488 us, 2 ms, 8 ms, 31 ms, 125 ms, 500 ms, 2 s, 8 s. */
  private static final Integer[] CLASSIC = {-64, -52, -44, -36, -28, -20, -12, -4, 4, 12};

  /**
   * What is measured.
   *
   * @param number its row: {@code enum tcp_latency_kind}
   * @param probes without one of them there is nothing to show
   */
  private record Kind(int number, Metric metric, List<ProbeSpec> probes) {}

  private static final List<Kind> ALL =
      List.of(
          new Kind(
              0,
              Metric.histogram(
                  "sonde_tcp_connect_seconds",
                  "SYN sent to connection established, on the connecting side.",
                  CLASSIC),
              List.of(Probes.TCP_OWNER)),
          new Kind(
              1,
              Metric.histogram(
                  "sonde_tcp_rtt_seconds",
                  "Smoothed round-trip time, at most 100 samples a second of each socket.",
                  CLASSIC),
              List.of(Probes.TCP_RTT)),
          new Kind(
              2,
              Metric.histogram(
                  "sonde_tcp_send_ack_seconds",
                  "A send call to the ACK of its last byte, one call at a time of each socket.",
                  CLASSIC),
              List.of(Probes.TCP_SEND_ACK, Probes.TCP_SEND, Probes.TCP_RTT)),
          new Kind(
              3,
              Metric.histogram(
                  "sonde_tcp_receive_wait_seconds",
                  "Data ready for the application to its read.",
                  CLASSIC),
              List.of(Probes.TCP_RECEIVE_WAIT, Probes.TCP_RECEIVE)),
          new Kind(
              4,
              Metric.histogram(
                  "sonde_tcp_accept_wait_seconds",
                  "Connection established to accept() returning it.",
                  CLASSIC),
              List.of(Probes.TCP_ACCEPT)));

  private final SlotRows rows;
  private final List<Kind> up = new ArrayList<>();
  private final PerWorkload<Last, Totals> workloads;

  /** What was last read of a slot. */
  private static final class Last {
    final long[] nanos = new long[KINDS];
    final LastBuckets[] counts = new LastBuckets[KINDS];

    Last() {
      Arrays.setAll(counts, i -> new LastBuckets());
    }
  }

  private static final class Totals {
    final Durations[] times = new Durations[KINDS];

    Totals() {
      Arrays.setAll(times, i -> new Durations());
    }

    boolean used() {
      for (Durations d : times) {
        if (d.histogram().count() != 0) {
          return true;
        }
      }
      return false;
    }
  }

  TcpLatencies(ProbeSet probes, Slots slots, PodTable pods) {
    this.rows = probes.rows("tcp_latencies");
    for (Kind kind : ALL) {
      if (kind.probes.stream().allMatch(p -> probes.probe(p).loaded() != null)) {
        up.add(kind);
      }
    }
    this.workloads = new PerWorkload<>(slots, pods, Last::new, w -> new Totals());
  }

  @Override
  public void collect(SnapshotBuilder out) {
    workloads.read(this::read);
    workloads.forgetGone();
    workloads.forEachShown(
        Totals::used,
        (owner, t) -> {
          for (Kind kind : up) {
            out.add(kind.metric, owner, t.times[kind.number].histogram());
          }
        });
  }

  private void read(int slot, Last last, Totals totals) {
    MemorySegment s = rows.segment(slot);
    for (Kind kind : up) {
      int k = kind.number;
      long row = rows.row(slot) + kind.number * TcpLatency.SIZE;
      // written after the bucket: where it stands still, so do the buckets, or they are read next
      long nanos = TcpLatency.sumNs(s, row);
      if (nanos == last.nanos[k]) {
        continue;
      }
      for (int b = 0; b < HistogramSlots.SLOTS; b++) {
        long more = last.counts[k].more(b, (int) TcpLatency.counts(s, row, b));
        if (more != 0) {
          totals.times[k].add(b, more);
        }
      }
      totals.times[k].addNanos(nanos - last.nanos[k]);
      last.nanos[k] = nanos;
    }
  }

  @Override
  public void close() {
    rows.close();
  }
}
