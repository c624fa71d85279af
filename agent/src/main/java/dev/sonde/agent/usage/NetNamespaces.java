package dev.sonde.agent.usage;

import dev.sonde.agent.workload.PodTable;
import dev.sonde.exporter.model.Workload;
import dev.sonde.ffi.SmallFiles;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Which network namespaces there are, through which process each can be read, and whose it is.
 *
 * <p>A cgroup is in the namespace of the first process that is directly in it: a later one that
 * makes a namespace of its own does not make its container look like another's. Every cgroup is
 * looked at when it is new, and again in turn. Owned by the snapshot thread.
 */
final class NetNamespaces {
  /** Cgroups that are looked at in one snapshot, those not looked at yet first. */
  private static final int LOOKS = 128;

  /** Of those, the ones that were looked at before. */
  private static final int AGAIN = 32;

  /**
   * Snapshots for which a namespace without a process is remembered: one that has a name may get
   * processes again, and its counters go on from where they stood.
   */
  private static final int REMEMBERED = 600;

  /** kthreadd, which is always in the host's, then init, which some hosts do not let anyone see. */
  private static final int[] HOSTS = {2, 1};

  private final PodTable pods;
  private final Path mount;
  private final String procRoot;
  private final SmallFiles files;
  private final Map<Long, Member> members = new HashMap<>();
  private final Map<Long, NetNamespace> namespaces = new HashMap<>();
  private List<Member> order = List.of();
  private final Map<Workload, NetNamespace> byWorkload = new HashMap<>();
  private final int[] pids = new int[4];
  private boolean changed;
  private int next;
  private long look;
  private int fresh;

  /** A cgroup with processes. */
  private static final class Member {
    final String path;
    Workload workload;

    /** Where its first process is; 0: not looked at yet, or it has none. */
    long inode;

    int pid;
    boolean lookedAt;
    long seen;

    Member(String path, Workload workload) {
      this.path = path;
      this.workload = workload;
    }
  }

  NetNamespaces(PodTable pods, Path mount, Path procRoot, SmallFiles files) {
    this.pods = pods;
    this.mount = mount;
    this.procRoot = procRoot.toString();
    this.files = files;
  }

  /** Takes over what came and went. */
  void refresh() {
    look++;
    fresh = 0;
    int before = members.size();
    pods.visit(this::see);
    boolean gone = members.values().removeIf(m -> m.seen != look);
    if (gone || members.size() != before) {
      order = new ArrayList<>(members.values());
      changed = true;
    }
    int looks = 0;
    for (int i = 0; fresh > 0 && i < order.size() && looks < LOOKS; i++) {
      if (!order.get(i).lookedAt) {
        find(order.get(i));
        fresh--;
        looks++;
      }
    }
    int turns = Math.min(AGAIN, order.size());
    for (int i = 0; i < turns; i++) {
      next = next >= order.size() - 1 ? 0 : next + 1;
      find(order.get(next));
    }
    if (changed) {
      changed = false;
      own();
    }
  }

  private void see(long id, String path) {
    Workload workload = pods.find(id);
    if (workload == null) {
      return; // its name is waited for
    }
    Member m = members.get(id);
    if (m == null) {
      m = new Member(path, workload);
      members.put(id, m);
    }
    if (!m.workload.equals(workload)) {
      m.workload = workload;
      changed = true;
    }
    m.seen = look;
    if (!m.lookedAt) {
      fresh++;
    }
  }

  /** By the first of its first processes that may be looked at. */
  private void find(Member m) {
    long before = m.inode;
    m.lookedAt = true;
    m.pid = 0;
    m.inode = 0;
    int n = firstProcesses(m.path);
    for (int i = 0; i < n && m.inode == 0; i++) {
      m.inode = NetNamespace.inode(procRoot, pids[i], files);
      m.pid = m.inode == 0 ? 0 : pids[i];
    }
    changed |= m.inode != before;
  }

  /** Fills {@link #pids} from cgroup.procs, without those of another pid namespace, which are 0. */
  private int firstProcesses(String path) {
    int length = files.read(mount + (path.equals("/") ? "" : path) + "/cgroup.procs");
    int n = 0;
    int pid = 0;
    for (int i = 0; i < length && n < pids.length; i++) {
      int digit = files.buffer().get(ValueLayout.JAVA_BYTE, i) - '0';
      if (digit >= 0 && digit <= 9) {
        pid = pid * 10 + digit;
      } else if (pid > 0) {
        pids[n++] = pid;
        pid = 0;
      }
    }
    return n;
  }

  /** Who is where, anew: a name may have come late, a process may have left. */
  private void own() {
    for (int pid : HOSTS) {
      NetNamespace host = at(NetNamespace.inode(procRoot, pid, files));
      if (host != null) {
        host.owner = NetOwner.HOST;
        host.pid = pid;
        break;
      }
    }
    byWorkload.clear();
    for (Member m : order) {
      NetNamespace ns = at(m.inode);
      if (ns != null) {
        byWorkload.putIfAbsent(m.workload, ns);
        ns.owner = ns.owner.with(m.workload);
        if (ns.pid == 0) {
          ns.pid = m.pid;
        }
      }
    }
    namespaces.values().removeIf(ns -> look - ns.seen > REMEMBERED);
    for (NetNamespace ns : namespaces.values()) {
      if (ns.seen != look) {
        ns.left();
      }
    }
  }

  private @Nullable NetNamespace at(long inode) {
    if (inode == 0) {
      return null;
    }
    NetNamespace ns = namespaces.computeIfAbsent(inode, NetNamespace::new);
    if (ns.seen != look) {
      ns.seen = look;
      ns.owner = NetOwner.NOBODY;
      ns.pid = 0;
    }
    return ns;
  }

  Collection<NetNamespace> all() {
    return namespaces.values();
  }

  /**
   * Another process to read it through, if {@code ns.pid} did not do; false if there is none any
   * more.
   */
  boolean nextProcess(NetNamespace ns) {
    int failed = ns.pid;
    for (Member m : order) {
      if (m.inode == ns.inode && m.pid != failed && m.pid != 0) {
        ns.pid = m.pid;
        return true;
      }
      if (m.inode == ns.inode && m.pid == failed) {
        find(m);
        if (m.inode == ns.inode && m.pid != failed) {
          ns.pid = m.pid;
          return true;
        }
      }
    }
    return false;
  }

  /** The namespace that workload {@code w} is in; null if it has no process that was looked at. */
  @Nullable NetNamespace of(Workload w) {
    return byWorkload.get(w);
  }
}
