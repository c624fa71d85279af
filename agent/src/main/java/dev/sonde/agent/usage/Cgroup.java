package dev.sonde.agent.usage;

import dev.sonde.agent.workload.CgroupPath;
import dev.sonde.exporter.model.Workload;
import java.util.regex.Pattern;

/**
 * A cgroup that is read: its files, what they said last, and the totals of its workload.
 *
 * <p>Owned by the snapshot thread.
 */
final class Cgroup implements AutoCloseable {
  private static final Pattern KUBELETS =
      Pattern.compile("(?:/.*)?/kubepods(?:/(?:burstable|besteffort))?");

  final long id;
  final String path;

  /** Whose it is as far as the path tells: never changes, unlike a name that comes late. */
  final Workload byPath;

  final CgroupFiles files;
  final Readings last = new Readings();

  /** Those of the workload whose it is. */
  Totals totals;

  /**
   * Whether it is the uppermost of its workload: what lies below is in its numbers already, and is
   * not read.
   */
  final boolean uppermost;

  /**
   * Other workloads' cgroups lie below, or once did: its CPU time is theirs too, that of those that
   * ended included, and is not exported.
   */
  boolean hasOthersBelow;

  /** No longer seen; closed, and kept until its workload may be forgotten. */
  boolean gone;

  /** Set by each look at what there is. */
  long seen;

  /** The process nearest to its limit, of those that are directly in this cgroup. */
  long openFiles;

  /** 0: no process was seen. */
  long openFilesLimit;

  Cgroup(long id, String path, CgroupFiles files, Totals totals) {
    this.id = id;
    this.path = path;
    this.byPath = CgroupPath.workload(path);
    this.files = files;
    this.totals = totals;
    String parent = parent(path);
    this.hasOthersBelow = path.equals("/") || isForOthers(path, byPath);
    this.uppermost = parent.equals("/") || !CgroupPath.workload(parent).equals(byPath);
  }

  /**
   * Whether it is there to hold others, also before there is one: a pod's own cgroup, a slice, a
   * kubelet's. A login's slices are one unit, with nothing else below.
   */
  private static boolean isForOthers(String path, Workload byPath) {
    boolean podItself = byPath.isPod() && byPath.container().isEmpty();
    boolean slice = path.endsWith(".slice") && !path.startsWith("/user.slice/");
    return podItself || slice || KUBELETS.matcher(path).matches();
  }

  /** The path of the cgroup above; the root is its own. */
  static String parent(String path) {
    int slash = path.lastIndexOf('/');
    return slash <= 0 ? "/" : path.substring(0, slash);
  }

  /** Whether its CPU time is this workload's alone. */
  boolean hasUsageOfItsOwn() {
    return uppermost && !hasOthersBelow;
  }

  @Override
  public void close() {
    gone = true;
    openFilesLimit = 0;
    files.close();
  }
}
