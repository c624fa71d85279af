package dev.sonde.agent.peers;

import dev.sonde.agent.pipeline.SnapshotBuilder;
import dev.sonde.agent.pipeline.Source;
import dev.sonde.agent.probe.TcpUse;
import dev.sonde.agent.workload.PodTable;
import dev.sonde.exporter.model.Metric;
import dev.sonde.exporter.model.Workload;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;

/**
 * Connects by destination, for {@code --tcp-peers}: the most frequent of each workload, the rest as
 * {@code ~other}.
 *
 * <p>Destinations come from events, which may be lost, totals from counters, which are not. What
 * the counters have and no event told of is {@code ~other}'s, as soon as it is certain that no
 * event of it is still on its way: two snapshots after the last connect the sum over the peers of a
 * workload is its {@code sonde_tcp_opens_total} and {@code sonde_tcp_connect_failures_total}.
 * Nothing moves from one series to another but the counts of a peer that loses its name.
 *
 * <p>Owned by the snapshot thread; collected after the source that tells it {@link #use}.
 */
public final class TcpPeers implements Source {
  static final Metric CONNECTS =
      Metric.counter(
          "sonde_tcp_peer_connects_total",
          "Connects by destination: a pod, a network, or ~other; with --tcp-peers.");

  private static final List<String> RESULTS = List.of("established", "failed");

  /** Events whose owner has no name yet; more are not kept, and are ~other's. */
  private static final int MOST_WAITING = 16_384;

  /** Rounds that an owner is kept without a series of its own: its name may be known before. */
  private static final int KEPT = 10;

  private final int places;
  private final PeerMask mask;
  private final PeerTap tap;
  private final PodTable pods;
  private final PeerNames names;
  private final LongSupplier written;
  private final LongSupplier read;
  private final Map<Workload, Peers> owners = new HashMap<>();
  private List<Waiting> waiting = new ArrayList<>();
  private long round;

  /** How far the events must have been read for the totals of a past snapshot to be complete. */
  private long awaited = -1;

  private record Waiting(long cgroupId, long high, long low, int kind, int count) {}

  /** One workload's. */
  private static final class Peers {
    final TopPeers top;

    /** The counters: established, failed; and what they were when events were last awaited. */
    final long[] totals = new long[2];

    final long[] then = new long[2];

    /** What no event told of. */
    final long[] untold = new long[2];

    long told;

    Peers(int places, long round) {
      top = new TopPeers(places);
      told = round - 1; // by the counters, not yet
    }
  }

  /**
   * @param places how many destinations of a workload have a series of their own
   * @param written how many events the kernel has put into the buffer
   * @param read how many of them have been through the tap
   */
  public TcpPeers(
      int places,
      PeerMask mask,
      PeerTap tap,
      PodTable pods,
      LongSupplier written,
      LongSupplier read) {
    this.places = places;
    this.mask = mask;
    this.tap = tap;
    this.pods = pods;
    this.names = new PeerNames(pods::podLives);
    this.written = written;
    this.read = read;
  }

  /** The totals of a workload; at each snapshot, before {@link #collect}. */
  public void use(Workload owner, TcpUse use) {
    Peers p = peers(owner);
    if (use.clientOpens() < p.totals[0] || use.failures() < p.totals[1]) {
      owners.remove(owner); // its series ended and began anew
      p = peers(owner);
    }
    p.told = round;
    p.totals[0] = use.clientOpens();
    p.totals[1] = use.failures();
  }

  private Peers peers(Workload owner) {
    return owners.computeIfAbsent(owner, o -> new Peers(places, round));
  }

  @Override
  public void collect(SnapshotBuilder out) {
    long through = read.getAsLong(); // before the tap is emptied
    List<Waiting> before = waiting;
    waiting = new ArrayList<>();
    before.forEach(w -> take(w.cgroupId(), w.high(), w.low(), w.kind(), w.count()));
    tap.take(this::take);
    owners.values().forEach(p -> p.top.settle());
    if (awaited >= 0 && through >= awaited && waiting.isEmpty()) {
      owners.values().forEach(TcpPeers::settleUntold);
      awaited = -1;
    }
    if (awaited < 0) {
      owners.values().forEach(p -> System.arraycopy(p.totals, 0, p.then, 0, 2));
      awaited = written.getAsLong(); // after the totals were read
    }
    owners.values().removeIf(p -> round - p.told > KEPT);
    owners.forEach(
        (owner, p) -> {
          if (p.told == round) {
            add(out, owner, p);
          }
        });
    round++;
  }

  private void take(long cgroupId, long high, long low, int kind, int count) {
    Workload owner = pods.find(cgroupId);
    if (owner == null) {
      if (waiting.size() < MOST_WAITING) {
        waiting.add(new Waiting(cgroupId, high, low, kind, count));
      }
    } else if (kind == PeerTable.OWN) {
      names.learn(high, low, owner);
    } else {
      String name = names.of(high, low);
      peers(owner).top.count(name.isEmpty() ? mask.network(high, low) : name, kind, count);
    }
  }

  /** Events that came since are counted too, so that this is too little rather than too much. */
  private static void settleUntold(Peers p) {
    for (int kind = 0; kind < p.untold.length; kind++) {
      p.untold[kind] = Math.max(p.untold[kind], p.then[kind] - p.top.counted(kind));
    }
  }

  private static void add(SnapshotBuilder out, Workload owner, Peers p) {
    for (int kind = 0; kind < RESULTS.size(); kind++) {
      String result = RESULTS.get(kind);
      for (Map.Entry<String, long[]> e : p.top.named().entrySet()) {
        out.add(CONNECTS, owner, e.getValue()[kind], "peer", e.getKey(), "result", result);
      }
      long others = p.top.others(kind) + p.untold[kind];
      out.add(CONNECTS, owner, others, "peer", "~other", "result", result);
    }
  }
}
