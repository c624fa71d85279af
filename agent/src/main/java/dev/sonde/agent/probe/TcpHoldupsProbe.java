package dev.sonde.agent.probe;

import dev.sonde.agent.pipeline.SnapshotBuilder;
import dev.sonde.agent.workload.PodTable;
import dev.sonde.exporter.model.Metric;
import dev.sonde.exporter.model.Workload;
import dev.sonde.ffi.KernelFeatures;
import dev.sonde.ffi.layout.TcpHoldups;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.ObjLongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * What held connections up: time that senders were not allowed to send, windows that closed,
 * connections that listeners had no room for: {@code tcp_holdups.h}, {@code tcp_listeners.h}.
 *
 * <p>Source of the limited time: the kernel's stop watch of each socket, {@code tcp_info}'s {@code
 * tcpi_rwnd_limited} and {@code tcpi_sndbuf_limited}, in jiffies. Owned by the snapshot thread,
 * close included. Kernel floor 5.10; listeners 5.11.
 */
final class TcpHoldupsProbe implements ProbeSource {
  static final Metric LIMITED =
      Metric.counter(
          "sonde_tcp_limited_seconds_total",
          "Time in which senders had data and were not allowed to send it, by what held them.");

  /** {@code enum limit} of sockets.h. */
  static final List<String> LIMITS = List.of("receiver_window", "send_buffer");

  /** {@code enum window_direction} of tcp_holdups.h. */
  static final List<String> DIRECTIONS = List.of("sent", "received");

  private final SlotRows rows;
  private final @Nullable TcpListeners listeners;
  private final boolean limits;
  private final boolean windows;
  private final double jiffySeconds = KernelFeatures.jiffyNanos() / 1e9;
  private final TcpUsers users;
  private final PerWorkload<Counts, Counts> workloads;

  /** The same shape for what was last read and for the totals. */
  private static final class Counts {
    final long[] limited = new long[LIMITS.size()];
    final long[] windows = new long[DIRECTIONS.size()];
    long listenDrops;
    long timeWaits;
    @Nullable RecentTimeWaits recent;

    boolean used() {
      return PerWorkload.any(limited) || PerWorkload.any(windows) || listenDrops != 0;
    }
  }

  /**
   * @param users told of what listeners had no room for, at each snapshot
   */
  TcpHoldupsProbe(ProbeSet probes, Slots slots, PodTable pods, TcpUsers users) {
    this.users = users;
    this.rows = probes.rows("tcp_holdups");
    this.listeners = TcpListeners.open(probes, pods);
    boolean owners = probes.probe(Probes.TCP_OWNER).loaded() != null;
    boolean segments = probes.probe(Probes.TCP_RTT).loaded() != null;
    this.limits = owners && segments;
    this.windows = limits && probes.probe(Probes.TCP_RECEIVE).loaded() != null;
    this.workloads = new PerWorkload<>(slots, pods, Counts::new, w -> new Counts());
  }

  /** Whether the windows that close are seen: where they are not, the namespaces' count stands. */
  static boolean seesWindows(ProbeSet probes) {
    return List.of(Probes.TCP_OWNER, Probes.TCP_RTT, Probes.TCP_RECEIVE).stream()
        .allMatch(p -> probes.probe(p).loaded() != null);
  }

  @Override
  public void collect(SnapshotBuilder out) {
    if (listeners != null) {
      listeners.collect(out); // first: it counts the drops that are read next
    }
    long second = TimeUnit.NANOSECONDS.toSeconds(System.nanoTime());
    workloads.read((slot, last, totals) -> read(slot, last, totals, second));
    workloads.forgetGone();
    workloads.forEachShown(
        Counts::used,
        (owner, t) -> {
          for (int i = 0; limits && i < t.limited.length; i++) {
            out.add(LIMITED, owner, t.limited[i] * jiffySeconds, "by", LIMITS.get(i));
          }
          for (int i = 0; windows && i < t.windows.length; i++) {
            out.add(TcpMetrics.ZERO_WINDOWS, owner, t.windows[i], "direction", DIRECTIONS.get(i));
          }
          if (listeners != null) {
            out.add(TcpMetrics.LISTEN_DROPS, owner, t.listenDrops);
            users.overflows(owner, t.listenDrops);
          }
        });
  }

  /** Who put how many sockets into TIME_WAIT within the last minute. */
  void recentTimeWaits(ObjLongConsumer<Workload> consumer) {
    workloads.forEach(
        (owner, t) -> {
          if (t.recent != null && t.recent.sum() > 0) {
            consumer.accept(owner, t.recent.sum());
          }
        });
  }

  private void read(int slot, Counts last, Counts totals, long second) {
    MemorySegment s = rows.segment(slot);
    long row = rows.row(slot);
    for (int i = 0; i < totals.limited.length; i++) {
      long now = TcpHoldups.limitedJiffies(s, row, i);
      totals.limited[i] += now - last.limited[i];
      last.limited[i] = now;
    }
    for (int i = 0; i < totals.windows.length; i++) {
      long now = TcpHoldups.zeroWindows(s, row, i);
      totals.windows[i] += now - last.windows[i];
      last.windows[i] = now;
    }
    long drops = TcpHoldups.listenDrops(s, row);
    totals.listenDrops += drops - last.listenDrops;
    last.listenDrops = drops;
    long waits = TcpHoldups.timeWaits(s, row);
    if (waits != last.timeWaits && totals.recent == null) {
      totals.recent = new RecentTimeWaits();
    }
    if (totals.recent != null) {
      totals.recent.add(second, waits - last.timeWaits);
    }
    last.timeWaits = waits;
  }

  @Override
  public void close() {
    if (listeners != null) {
      listeners.close();
    }
    rows.close();
  }
}
