package dev.sonde.agent.usage;

import dev.sonde.agent.host.ProcFs;
import dev.sonde.agent.pipeline.SnapshotBuilder;
import dev.sonde.agent.pipeline.Source;
import dev.sonde.agent.probe.KernelSource.NamespaceGaps;
import dev.sonde.agent.probe.TcpMetrics;
import dev.sonde.agent.workload.CgroupHierarchy;
import dev.sonde.agent.workload.PodTable;
import dev.sonde.exporter.model.Metric;
import dev.sonde.exporter.model.Workload;
import dev.sonde.ffi.SmallFiles;
import java.util.HashMap;
import java.util.Iterator;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.ObjLongConsumer;

/**
 * What the kernel counts per network namespace: connections that found a listener's queue full, and
 * sockets in TIME_WAIT, which no process holds.
 *
 * <pre>{@code
 * Source net = NetUsage.open(pods, hierarchy, ProcFs.host(), gaps, kernel::recentTimeWaits);
 * net.collect(snapshot);   // once a second
 * }</pre>
 *
 * <p>A namespace that only one pod is in is that pod's, its container left empty. The host's is the
 * unit {@code ~host-network}'s: the pods with {@code hostNetwork} and the host's own services share
 * it, and its counters cannot be told apart. Its TIME_WAIT sockets can: they are shared out by who
 * closed how many connections within the last minute.
 *
 * <p><b>The price.</b> At most {@value #NAMESPACES} namespaces are read in a snapshot, in turn:
 * with more, the numbers are older, not wrong. Needs CAP_SYS_PTRACE for other users' processes: a
 * namespace that may not be looked at has no series. A namespace that is gone before the first look
 * at it is missing, and so is what happened after the last one.
 *
 * <p>Not thread-safe: the snapshot thread owns it. Source of the definition: proc_pid_net(5).
 */
public final class NetUsage implements Source, AutoCloseable {
  static final Metric OVERFLOWS =
      Metric.counter(
          "sonde_tcp_listen_overflows_total",
          "Connections for which a listener's queue had no room, by network namespace.");

  private static final int NAMESPACES = 32;
  private static final int BUFFER = 16 << 10;

  private final PodTable pods;
  private final String procRoot;
  private final NamespaceGaps gaps;
  private final Consumer<ObjLongConsumer<Workload>> recentTimeWaits;
  private final SmallFiles files = new SmallFiles(BUFFER);
  private final NetNamespaces namespaces;
  private final Map<Workload, Totals> totals = new HashMap<>();
  private final Map<Workload, Long> shares = new HashMap<>();
  private long passed;

  private static final class Totals {
    final long[] counters = new long[NetNamespace.COUNTERS];
    long seen = System.nanoTime();
  }

  NetUsage(
      PodTable pods,
      CgroupHierarchy hierarchy,
      ProcFs proc,
      NamespaceGaps gaps,
      Consumer<ObjLongConsumer<Workload>> recentTimeWaits) {
    this.pods = pods;
    this.procRoot = proc.root().toString();
    this.gaps = gaps;
    this.recentTimeWaits = recentTimeWaits;
    this.namespaces = new NetNamespaces(pods, hierarchy.mount(), proc.root(), files);
  }

  /**
   * @param gaps which counters stand in for probes that are down
   * @param recentTimeWaits tells who put how many sockets into TIME_WAIT within the last minute
   */
  public static NetUsage open(
      PodTable pods,
      CgroupHierarchy hierarchy,
      ProcFs proc,
      NamespaceGaps gaps,
      Consumer<ObjLongConsumer<Workload>> recentTimeWaits) {
    return new NetUsage(pods, hierarchy, proc, gaps, recentTimeWaits);
  }

  @Override
  public void collect(SnapshotBuilder out) {
    namespaces.refresh();
    readSome();
    forgetGone();
    totals.forEach(
        (owner, t) -> {
          out.add(OVERFLOWS, owner, t.counters[NetNamespace.OVERFLOWS]);
          if (gaps.listenDrops()) {
            out.add(TcpMetrics.LISTEN_DROPS, owner, t.counters[NetNamespace.DROPS]);
          }
          if (gaps.zeroWindows()) {
            out.add(
                TcpMetrics.ZERO_WINDOWS,
                owner,
                t.counters[NetNamespace.ZERO_WINDOWS],
                "direction",
                "sent");
          }
        });
    timeWaits(out);
  }

  /** The namespaces in turn, each once before the first comes again. */
  private void readSome() {
    long skip = passed;
    int read = 0;
    long at = 0;
    for (NetNamespace ns : namespaces.all()) {
      if (at++ >= skip && read < NAMESPACES) {
        read(ns);
        read++;
      }
    }
    passed = skip + read >= at ? 0 : skip + read;
  }

  private void read(NetNamespace ns) {
    boolean done = ns.read(procRoot, files);
    if (!done && namespaces.nextProcess(ns)) {
      done = ns.read(procRoot, files);
    }
    if (!done) {
      return;
    }
    Totals t = totals.computeIfAbsent(ns.owner.workload(), w -> new Totals());
    for (int i = 0; i < NetNamespace.COUNTERS; i++) {
      t.counters[i] += ns.step[i];
    }
  }

  private void forgetGone() {
    long now = System.nanoTime();
    for (NetNamespace ns : namespaces.all()) {
      Totals t = totals.get(ns.owner.workload());
      if (t != null) {
        t.seen = now;
      }
    }
    for (Iterator<Map.Entry<Workload, Totals>> it = totals.entrySet().iterator(); it.hasNext(); ) {
      Map.Entry<Workload, Totals> e = it.next();
      boolean old = now - e.getValue().seen > pods.staleNanos();
      if (pods.replaced(e.getKey()) || (old && !pods.podLives(e.getKey()))) {
        it.remove();
      }
    }
  }

  private void timeWaits(SnapshotBuilder out) {
    for (NetNamespace ns : namespaces.all()) {
      if (ns.timeWait == StatText.ABSENT) {
        continue;
      }
      long rest = ns.timeWait;
      if (ns.owner.shared()) {
        rest = shareOut(out, ns);
      }
      emit(out, ns.owner.workload(), rest);
    }
  }

  /** Gives each workload its share of what there is; the rest is nobody's in particular. */
  private long shareOut(SnapshotBuilder out, NetNamespace ns) {
    shares.clear();
    boolean host = ns.owner.equals(NetOwner.HOST);
    long[] sum = {0};
    recentTimeWaits.accept(
        (workload, recent) -> {
          NetNamespace its = namespaces.of(workload);
          // who has no process any more: a unit's sockets are the host's
          if (its == ns || (its == null && host && !workload.isPod())) {
            shares.put(workload, recent);
            sum[0] += recent;
          }
        });
    long rest = ns.timeWait;
    long whole = Math.max(sum[0], ns.timeWait);
    for (Map.Entry<Workload, Long> e : shares.entrySet()) {
      long share = whole == 0 ? 0 : e.getValue() * ns.timeWait / whole;
      emit(out, e.getKey(), share);
      rest -= share;
    }
    return rest;
  }

  private static void emit(SnapshotBuilder out, Workload owner, long sockets) {
    out.add(TcpMetrics.CONNECTIONS, owner, sockets, "state", "time_wait");
  }

  @Override
  public void close() {
    files.close();
  }
}
