package dev.sonde.agent.runtime.jvm;

import dev.sonde.agent.pipeline.SnapshotBuilder;
import dev.sonde.exporter.model.Workload;
import java.util.HashMap;
import java.util.Map;

/**
 * The sums over the JVMs of one workload, those that have ended included: totals only ever grow.
 *
 * <p>A JVM's own counter that falls (only a pod that writes its own file can do that) adds nothing
 * and is followed from where it fell to.
 *
 * <p>Not thread-safe: the snapshot thread owns it.
 */
final class JvmSums {
  /** How many kinds of JVM one workload may show; a pod writes these labels itself. */
  private static final int MAX_KINDS = 8;

  private static final double NANOS = 1e9;

  private final Workload owner;

  private String cgroup = "/";
  private boolean gone;
  private long goneSince;

  private final JvmCounters totals = new JvmCounters();
  private int live;
  private long heapUsed;
  private long heapCommitted;
  private long heapMax;
  private final Map<JvmIdentity, Integer> kinds = new HashMap<>();
  private final Map<String, Integer> sources = new HashMap<>();

  JvmSums(Workload owner) {
    this.owner = owner;
  }

  Workload owner() {
    return owner;
  }

  /** The cgroup one of its JVMs was seen in last: while it exists, the sums are kept. */
  String cgroup() {
    return cgroup;
  }

  void cgroup(String path) {
    cgroup = path;
  }

  /** For how many nanoseconds {@code isGone} has been so without a break; -1 if it is not so. */
  long goneFor(boolean isGone, long time) {
    if (isGone && !gone) {
      goneSince = time;
    }
    gone = isGone;
    return isGone ? time - goneSince : -1;
  }

  /** Whether any JVM was added since {@link #startOver}. */
  boolean hasLive() {
    return live > 0;
  }

  /** Before the JVMs of a snapshot are added: gauges begin at zero, totals go on. */
  void startOver() {
    live = 0;
    heapUsed = 0;
    heapCommitted = 0;
    heapMax = 0;
    kinds.clear();
    sources.clear();
  }

  /** A JVM that is there but cannot be read. */
  void addUnread() {
    live++;
    sources.merge("none", 1, Integer::sum);
  }

  /** What one JVM's counters are now, and were when it was last added. */
  void add(JvmReader reader, JvmCounters last, JvmCounters now) {
    live++;
    for (int i = 0; i < now.collections.length; i++) {
      totals.present[i] |= now.present[i];
      totals.collections[i] = grow(totals.collections[i], last.collections[i], now.collections[i]);
      totals.collectionNanos[i] =
          grow(totals.collectionNanos[i], last.collectionNanos[i], now.collectionNanos[i]);
    }
    totals.safepoints = grow(totals.safepoints, last.safepoints, now.safepoints);
    totals.safepointNanos = grow(totals.safepointNanos, last.safepointNanos, now.safepointNanos);
    heapUsed = JvmCounters.add(heapUsed, now.heapUsed);
    heapCommitted = JvmCounters.add(heapCommitted, now.heapCommitted);
    heapMax = JvmCounters.add(heapMax, now.heapMax);
    sources.merge(reader.source(), 1, Integer::sum);
    JvmIdentity kind = reader.identity();
    boolean room = kinds.containsKey(kind) || kinds.size() < MAX_KINDS;
    kinds.merge(room ? kind : JvmIdentity.OTHER, 1, Integer::sum);
  }

  private static long grow(long total, long last, long now) {
    return now > last ? JvmCounters.add(total, now - last) : total;
  }

  /** Adds this workload's series. */
  void emit(SnapshotBuilder out) {
    for (Collector c : Collector.values()) {
      int i = c.slot();
      if (totals.present[i]) {
        out.add(JvmMetrics.COLLECTIONS, owner, (double) totals.collections[i], "gc", c.label());
        out.add(JvmMetrics.GC_TIME, owner, totals.collectionNanos[i] / NANOS, "gc", c.label());
      }
    }
    out.add(JvmMetrics.SAFEPOINTS, owner, (double) totals.safepoints);
    out.add(JvmMetrics.SAFEPOINT_TIME, owner, totals.safepointNanos / NANOS);
    for (Map.Entry<String, Integer> e : sources.entrySet()) {
      out.add(JvmMetrics.SOURCE, owner, e.getValue(), "source", e.getKey());
    }
    if (kinds.isEmpty()) {
      return;
    }
    out.add(JvmMetrics.HEAP, owner, (double) heapUsed, "kind", "used");
    out.add(JvmMetrics.HEAP, owner, (double) heapCommitted, "kind", "committed");
    out.add(JvmMetrics.HEAP, owner, (double) heapMax, "kind", "max");
    for (Map.Entry<JvmIdentity, Integer> e : kinds.entrySet()) {
      JvmIdentity k = e.getKey();
      out.add(
          JvmMetrics.INFO,
          owner,
          e.getValue(),
          "version",
          k.version(),
          "vendor",
          k.vendor(),
          "gc",
          k.gc());
    }
  }
}
