package dev.sonde.agent.usage;

import dev.sonde.agent.workload.ControllerMounts;
import dev.sonde.exporter.model.Workload;
import dev.sonde.ffi.SmallFiles;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Which cgroups there are, who is above whom, and the totals of each workload.
 *
 * <p>Owned by the snapshot thread.
 */
final class CgroupTable implements AutoCloseable {
  private final KnownCgroups known;
  private final ControllerMounts mounts;
  private final SmallFiles files;
  private final CgroupFiles.Budget budget;

  private final Map<Long, Cgroup> byId = new HashMap<>();
  private final Map<Workload, Readings> totals = new HashMap<>();

  /** Those that exist, parents before children: what is above is read first. */
  private List<Cgroup> live = List.of();

  private long look;
  private int seen;
  private boolean changed;

  CgroupTable(
      KnownCgroups known, ControllerMounts mounts, SmallFiles files, CgroupFiles.Budget budget) {
    this.known = known;
    this.mounts = mounts;
    this.files = files;
    this.budget = budget;
  }

  /** Takes over what came and went, and names that came late. */
  void refresh() {
    look++;
    seen = 0;
    changed = false;
    known.visit(this::see);
    if (changed || seen != live.size()) {
      arrange();
    }
    forgetReclaimed();
  }

  List<Cgroup> live() {
    return live;
  }

  Map<Workload, Readings> totals() {
    return totals;
  }

  private void see(long id, String path) {
    Workload workload = known.find(id);
    if (workload == null) {
      return; // it has no name yet: its counters wait in its files
    }
    Cgroup c = byId.get(id);
    if (c == null) {
      CgroupFiles own = new CgroupFiles(mounts, path, files, budget);
      c = new Cgroup(id, path, workload, own, totalsOf(workload));
      byId.put(id, c);
      changed = true;
    } else if (!c.workload.equals(workload)) {
      // what comes from here on is counted under its new name
      c.workload = workload;
      c.totals = totalsOf(workload);
    }
    c.seen = look;
    seen++;
  }

  private Readings totalsOf(Workload workload) {
    return totals.computeIfAbsent(workload, w -> new Readings());
  }

  private void arrange() {
    Map<String, Cgroup> byPath = new HashMap<>();
    List<Cgroup> there = new ArrayList<>();
    for (Cgroup c : byId.values()) {
      if (c.seen == look) {
        byPath.put(c.path, c);
        there.add(c);
      } else if (!c.gone) {
        c.close();
      }
    }
    for (Cgroup c : there) {
      for (String at = c.path; !at.equals("/"); ) {
        at = Cgroup.parent(at);
        Cgroup above = byPath.get(at);
        if (above != null && !above.byPath.equals(c.byPath)) {
          above.hasOthersBelow = true;
        }
      }
    }
    there.sort(Comparator.comparingInt(c -> c.path.length()));
    live = there;
  }

  /** A workload's totals end when all of its cgroups have been gone for {@code --stale-after}. */
  private void forgetReclaimed() {
    boolean forgot = false;
    for (Iterator<Cgroup> it = byId.values().iterator(); it.hasNext(); ) {
      Cgroup c = it.next();
      if (c.gone && known.reclaimable(c.id)) {
        it.remove();
        forgot = true;
      }
    }
    if (forgot) {
      Set<Workload> held = new HashSet<>();
      byId.values().forEach(c -> held.add(c.workload));
      totals.keySet().retainAll(held);
    }
  }

  @Override
  public void close() {
    byId.values().forEach(Cgroup::close);
  }
}
