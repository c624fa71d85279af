package dev.sonde.agent.workload;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;

/** Cgroups and whose they are, for people: sorted by path. Any thread. */
final class CgroupListing {
  private CgroupListing() {}

  /** Those that the table remembers. */
  static List<CgroupInfo> known(IdTable table, Names names, long now) {
    List<CgroupInfo> infos = new ArrayList<>();
    table.forEach(
        e -> {
          Duration removedFor = e.isRemoved() ? Duration.ofNanos(now - e.removedNanos()) : null;
          infos.add(new CgroupInfo(e.id, e.path, names.best(e), removedFor));
        });
    infos.sort(Comparator.comparing(CgroupInfo::path).thenComparingLong(CgroupInfo::id));
    return infos;
  }

  /**
   * Every one that exists. Walks the tree.
   *
   * @throws IOException if the hierarchy cannot be read
   */
  static List<CgroupInfo> all(CgroupResolver resolver, Identities names) throws IOException {
    List<CgroupInfo> infos = new ArrayList<>();
    for (Map.Entry<Long, String> e : resolver.all().entrySet()) {
      CgroupName name = CgroupPath.parse(e.getValue());
      infos.add(new CgroupInfo(e.getKey(), e.getValue(), names.best(name), null));
    }
    infos.sort(Comparator.comparing(CgroupInfo::path));
    return infos;
  }
}
