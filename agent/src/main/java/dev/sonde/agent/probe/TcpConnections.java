package dev.sonde.agent.probe;

import dev.sonde.agent.pipeline.SnapshotBuilder;
import dev.sonde.agent.workload.PodTable;
import dev.sonde.exporter.model.Metric;
import dev.sonde.ffi.layout.TcpConnectionStats;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Connections opened, failed and closed, resets, and how many sockets are in which state: {@code
 * tcp_connections.h}.
 *
 * <p>Owned by the snapshot thread. Kernel floor 5.10.
 */
final class TcpConnections implements ProbeSource {
  static final Metric OPENS =
      Metric.counter(
          "sonde_tcp_opens_total", "Connections that were established, by who connected.");
  static final Metric CLOSES =
      Metric.counter("sonde_tcp_closes_total", "Established connections that ended, by why.");
  static final Metric FAILURES =
      Metric.counter(
          "sonde_tcp_connect_failures_total", "Connects that did not get established, by why.");
  static final Metric RESETS =
      Metric.counter("sonde_tcp_resets_total", "Resets sent and received.");

  /** {@code enum role} of sockets.h. */
  static final List<String> ROLES = List.of("client", "server");

  /** {@code enum close_reason} of tcp_connections.h. */
  static final List<String> CLOSE_REASONS = List.of("local", "peer", "reset", "timeout");

  /** {@code enum connect_failure}. */
  static final List<String> CONNECT_FAILURES =
      List.of("refused", "timeout", "unreachable", "aborted", "local");

  /** {@code enum reset_direction}. */
  static final List<String> DIRECTIONS = List.of("sent", "received");

  /** The states of the census by the kernel's number; null where no socket is counted. */
  private static final String[] STATES = new String[TcpConnectionStats.SOCKETS_COUNT];

  /** TCP_CLOSE_WAIT. */
  private static final int CLOSE_WAIT = 8;

  static {
    for (int state : new int[] {1, 2, 4, 5, 8, 9, 10, 11}) {
      STATES[state] = TcpState.label(state).replace('-', '_');
    }
  }

  private final SlotRows stats;
  private final Raw raw = new Raw();
  private final boolean states;
  private final boolean resets;
  private final TcpUsers users;
  private final @Nullable TcpCensus census;
  private final PerWorkload<Counts, Counts> workloads;

  /** The same shape for what was last read and for the totals. */
  private static final class Counts {
    final long[] opens = new long[ROLES.size()];
    final long[] closes = new long[CLOSE_REASONS.size()];
    final long[] failures = new long[CONNECT_FAILURES.size()];
    final long[] resets = new long[DIRECTIONS.size()];
    long notReceived;
    long receivedShown;
    final int[] sockets = new int[TcpConnectionStats.SOCKETS_COUNT];

    boolean used() {
      return PerWorkload.any(opens)
          || PerWorkload.any(closes)
          || PerWorkload.any(failures)
          || PerWorkload.any(resets)
          || IntStream.of(sockets).anyMatch(n -> n > 0);
    }

    TcpUse use() {
      long failed = 0;
      for (long f : failures) {
        failed += f;
      }
      return new TcpUse(
          opens[0],
          opens[0] + opens[1],
          failed,
          closes[0] + closes[1] + closes[2] + closes[3],
          closes[0],
          closes[1],
          0,
          Math.max(0, sockets[CLOSE_WAIT]));
    }
  }

  /**
   * @param users told what each workload came to, at each snapshot
   */
  TcpConnections(ProbeSet probes, Slots slots, PodTable pods, TcpUsers users) {
    this.users = users;
    this.stats = probes.rowsPerCpu("tcp_connection_stats");
    this.states = probes.probe(Probes.TCP_OWNER).loaded() != null;
    this.resets = probes.probe(Probes.TCP_RESET).loaded() != null;
    this.census = TcpCensus.open(probes, slots);
    this.workloads = new PerWorkload<>(slots, pods, Counts::new, w -> new Counts());
  }

  /** As the kernel has them. */
  private final class Raw implements TcpCensus.Counters {
    @Override
    public int sockets(int slot, int state) {
      return (int) stats.sum(slot, TcpConnectionStats::sockets, state);
    }

    @Override
    public long changes(int slot) {
      long now = 0;
      for (int i = 0; i < ROLES.size(); i++) {
        now += stats.sum(slot, TcpConnectionStats::opens, i);
      }
      for (int i = 0; i < CLOSE_REASONS.size(); i++) {
        now += stats.sum(slot, TcpConnectionStats::closes, i);
      }
      return now;
    }
  }

  @Override
  public void collect(SnapshotBuilder out) {
    if (census != null) {
      census.look(raw);
      out.addOwn(KernelSource.EVENTS_LOST, census.missed(), "where", "missed_end");
    }
    workloads.read(this::read);
    workloads.forgetGone();
    workloads.forEachShown(
        Counts::used,
        (owner, t) -> {
          if (states) {
            users.use(owner, t.use());
            for (int i = 0; i < t.opens.length; i++) {
              out.add(OPENS, owner, t.opens[i], "role", ROLES.get(i));
            }
            for (int i = 0; i < t.closes.length; i++) {
              out.add(CLOSES, owner, t.closes[i], "reason", CLOSE_REASONS.get(i));
            }
            for (int i = 0; i < t.failures.length; i++) {
              out.add(FAILURES, owner, t.failures[i], "reason", CONNECT_FAILURES.get(i));
            }
            for (int i = 0; i < STATES.length; i++) {
              if (STATES[i] != null) {
                // a cgroup's sockets may end after its series were forgotten: less than nothing
                out.add(
                    TcpMetrics.CONNECTIONS, owner, Math.max(0, t.sockets[i]), "state", STATES[i]);
              }
            }
          }
          if (resets) {
            // a reset may be found out not to have been received after it was read as such
            t.receivedShown = Math.max(t.receivedShown, t.resets[1] - t.notReceived);
            out.add(RESETS, owner, t.resets[0], "direction", DIRECTIONS.get(0));
            out.add(RESETS, owner, t.receivedShown, "direction", DIRECTIONS.get(1));
          }
        });
  }

  private void read(int slot, Counts last, Counts totals) {
    step(slot, TcpConnectionStats::opens, last.opens, totals.opens);
    step(slot, TcpConnectionStats::closes, last.closes, totals.closes);
    step(slot, TcpConnectionStats::failures, last.failures, totals.failures);
    step(slot, TcpConnectionStats::resets, last.resets, totals.resets);
    long notReceived = stats.sum(slot, TcpConnectionStats::notReceived);
    totals.notReceived += notReceived - last.notReceived;
    last.notReceived = notReceived;
    for (int i = 0; i < STATES.length; i++) {
      int now = raw.sockets(slot, i);
      if (census != null) {
        now -= census.gone(slot, i);
      }
      totals.sockets[i] += now - last.sockets[i];
      last.sockets[i] = now;
    }
  }

  private void step(int slot, SlotRows.IndexedField field, long[] last, long[] totals) {
    for (int i = 0; i < last.length; i++) {
      long now = stats.sum(slot, field, i);
      totals[i] += now - last[i];
      last[i] = now;
    }
  }

  @Override
  public void close() {
    if (census != null) {
      census.close();
    }
    stats.close();
  }
}
