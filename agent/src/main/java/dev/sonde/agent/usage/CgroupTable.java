package dev.sonde.agent.usage;

import dev.sonde.agent.workload.ControllerMounts;
import dev.sonde.exporter.model.Workload;
import dev.sonde.ffi.SmallFiles;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;

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
  private final LongSupplier nanoClock;

  private final Map<Long, Cgroup> byId = new HashMap<>();
  private final Map<Workload, Totals> totals = new LinkedHashMap<>();

  /** Those that ended and are not reclaimable yet. */
  private final List<Cgroup> gone = new ArrayList<>();

  /** Those that exist, parents before children: what is above is read first. */
  private List<Cgroup> live = List.of();

  private long look;
  private int seen;
  private boolean changed;
  private boolean unnamed;
  private long names = -1;
  private long cgroups = -1;

  CgroupTable(
      KnownCgroups known,
      ControllerMounts mounts,
      SmallFiles files,
      CgroupFiles.Budget budget,
      LongSupplier nanoClock) {
    this.known = known;
    this.mounts = mounts;
    this.files = files;
    this.budget = budget;
    this.nanoClock = nanoClock;
  }

  /** Takes over what came and went, and names that came late. */
  void refresh() {
    long newNames = known.generation();
    long newCgroups = known.changes();
    if (unnamed || newNames != names || newCgroups != cgroups) {
      look++;
      seen = 0;
      changed = false;
      unnamed = false;
      known.visit(this::see);
      if (changed || seen != live.size()) {
        arrange();
      }
    }
    forgetReclaimed();
    forgetGone(newNames != names);
    names = newNames;
    cgroups = newCgroups;
  }

  List<Cgroup> live() {
    return live;
  }

  Collection<Totals> totals() {
    return totals.values();
  }

  private void see(long id, String path) {
    Workload workload = known.find(id);
    if (workload == null) {
      unnamed = true; // its counters wait in its files
      return;
    }
    Cgroup c = byId.get(id);
    if (c == null) {
      CgroupFiles own = new CgroupFiles(mounts, path, files, budget);
      c = new Cgroup(id, path, own, totalsOf(workload));
      byId.put(id, c);
      changed = true;
    } else if (!c.totals.owner.equals(workload)) {
      // what comes from here on is counted under its new name
      c.totals.linger.touch(nanoClock.getAsLong());
      c.totals.cgroups--;
      c.totals = totalsOf(workload);
    }
    c.seen = look;
    seen++;
  }

  private Totals totalsOf(Workload workload) {
    Totals of = totals.computeIfAbsent(workload, Totals::new);
    of.cgroups++;
    return of;
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
        gone.add(c);
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

  private void forgetReclaimed() {
    for (Iterator<Cgroup> it = gone.iterator(); it.hasNext(); ) {
      Cgroup c = it.next();
      if (known.reclaimable(c.id)) {
        it.remove();
        byId.remove(c.id);
        c.totals.cgroups--;
      }
    }
  }

  /**
   * A workload's totals end when all of its cgroups have been gone for {@code --stale-after} and
   * its pod does not live; at once, if its name belongs to a later pod.
   */
  private void forgetGone(boolean newNames) {
    long now = nanoClock.getAsLong();
    totals
        .values()
        .removeIf(
            t ->
                (newNames && known.replaced(t.owner))
                    || (t.cgroups == 0 && t.linger.isOver(known, t.owner, now)));
  }

  @Override
  public void close() {
    byId.values().forEach(Cgroup::close);
  }
}
