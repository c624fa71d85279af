package dev.sonde.agent.usage;

import dev.sonde.agent.host.ProcFs;
import dev.sonde.agent.pipeline.SnapshotBuilder;
import dev.sonde.agent.pipeline.Source;
import dev.sonde.agent.workload.CgroupHierarchy;
import dev.sonde.agent.workload.ControllerMounts;
import dev.sonde.agent.workload.PodTable;
import dev.sonde.exporter.model.Workload;
import dev.sonde.ffi.SmallFiles;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.function.LongSupplier;

/**
 * CPU time, throttling, pressure and open files of every workload, from the files of its cgroups.
 *
 * <pre>{@code
 * Source usage = CgroupUsage.open(pods, hierarchy, ControllerMounts.detect(null), ProcFs.host());
 * usage.collect(snapshot);   // once a second
 * }</pre>
 *
 * <p><b>The sum rule.</b> A cgroup's CPU time contains that of the cgroups below it. It is exported
 * of the uppermost cgroup of each container and unit, and never of a cgroup that holds another
 * workload's: not of a pod's own, of a slice, of the root. So no time is in two series. Throttling
 * is of the cgroup's own quota: a pod's (container empty) and its containers' are both there, and
 * add up. Pressure is of everything below and does not add up. When a container is made anew under
 * the same name, its counters go on from those of the one before.
 *
 * <p><b>The price.</b> A snapshot reads at most {@value #FILES} files of {@value #CGROUPS} cgroups,
 * five of one that works and one of one that does not, and the descriptors of {@value #PROCESSES}
 * processes or empty cgroups, in turn: with more, each is looked at less often than once a
 * snapshot, and its numbers are older, not wrong. What a cgroup did after the last reading before
 * its end is lost.
 *
 * <p>Not thread-safe: the snapshot thread owns it.
 */
public final class CgroupUsage implements Source, AutoCloseable {
  private static final int CGROUPS = 1024;
  private static final int FILES = 2560;
  private static final int PROCESSES = 256;

  /**
   * Files that stay open, where the process may have as many again; the kernel keeps a page for
   * each. The usual limit of a container is 2^20, of a login 2^10.
   */
  private static final int OPEN_FILES = 2048;

  private static final int BUFFER = 16 << 10;
  private static final long REDISCOVER_NANOS = 10_000_000_000L;

  /** A look at the whole tree costs at most one CPU's time divided by this. */
  private static final int DISCOVERY_SHARE = 200;

  private final KnownCgroups known;
  private final LongSupplier nanoClock;
  private final SmallFiles files = new SmallFiles(BUFFER);
  private final CgroupTable table;
  private final OpenFiles openFiles;
  private final NodePressure node;
  private final Readings now = new Readings();
  private int nextCgroup;
  private int nextProcesses;
  private long discoverAt = Long.MIN_VALUE;

  CgroupUsage(
      KnownCgroups known,
      CgroupHierarchy hierarchy,
      ControllerMounts mounts,
      ProcFs proc,
      LongSupplier nanoClock) {
    this.known = known;
    this.nanoClock = nanoClock;
    this.table =
        new CgroupTable(known, mounts, files, new CgroupFiles.Budget(mayOpen(proc)), nanoClock);
    this.openFiles = new OpenFiles(proc, hierarchy.mount(), files);
    this.node = new NodePressure(proc, files);
  }

  private int mayOpen(ProcFs proc) {
    int length = files.read(proc.root() + "/self/limits");
    long limit = StatText.value(files.buffer(), Math.max(length, 0), OpenFiles.LIMIT);
    return Math.clamp(limit / 2, 0, OPEN_FILES);
  }

  public static CgroupUsage open(
      PodTable pods, CgroupHierarchy hierarchy, ControllerMounts mounts, ProcFs proc) {
    return new CgroupUsage(KnownCgroups.of(pods), hierarchy, mounts, proc, System::nanoTime);
  }

  @Override
  public void collect(SnapshotBuilder out) {
    discover();
    table.refresh();
    List<Cgroup> live = table.live();
    readUsage(live);
    readOpenFiles(live);
    table.totals().forEach(t -> UsageMetrics.emit(out, t.owner, t.sums));
    openFiles.emit(out, live);
    UsageMetrics.emit(out, Workload.unit("/"), node.read());
  }

  /** Cgroups whose tasks do nothing are met by no probe. */
  private void discover() {
    long time = nanoClock.getAsLong();
    if (time >= discoverAt) {
      try {
        known.discover();
        long took = nanoClock.getAsLong() - time;
        discoverAt = time + Math.max(REDISCOVER_NANOS, took * DISCOVERY_SHARE);
      } catch (IOException e) {
        throw new UncheckedIOException("look which cgroups there are", e);
      }
    }
  }

  private void readUsage(List<Cgroup> live) {
    int n = Math.min(live.size(), CGROUPS);
    int read = 0;
    for (int i = 0; i < n && read < FILES; i++) {
      if (nextCgroup >= live.size()) {
        nextCgroup = 0;
      }
      Cgroup c = live.get(nextCgroup++);
      // The root's pressure is the node's, which has files of its own.
      if (c.uppermost && !c.path.equals("/")) {
        read += c.files.read(now, c.hasUsageOfItsOwn());
        c.totals.sums.addSince(c.last, now);
      }
    }
  }

  private void readOpenFiles(List<Cgroup> live) {
    int processes = 0;
    for (int i = 0; i < live.size() && processes < PROCESSES; i++) {
      if (nextProcesses >= live.size()) {
        nextProcesses = 0;
      }
      Cgroup c = live.get(nextProcesses++);
      if (!c.hasOthersBelow) {
        // an empty one costs as much as a process
        processes += 1 + openFiles.look(c);
      }
    }
  }

  @Override
  public void close() {
    table.close();
    files.close();
  }
}
