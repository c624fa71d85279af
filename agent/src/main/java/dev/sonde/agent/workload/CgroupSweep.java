package dev.sonde.agent.workload;

import dev.sonde.exporter.model.Workload;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Looks which known cgroups are gone, forgets those gone long ago, and says which pods live.
 *
 * <p>{@link #sweep} is the writer's of the table; {@link #podLives} is for any thread.
 */
final class CgroupSweep {
  /** The least time that a removed cgroup is remembered. */
  private static final Duration REMEMBERED = Duration.ofSeconds(10);

  private final IdTable table;
  private final CgroupResolver resolver;
  private final long staleNanos;
  private volatile Set<String> livePods = Set.of();
  private long last = Long.MIN_VALUE;

  CgroupSweep(IdTable table, CgroupResolver resolver, long staleNanos) {
    this.table = table;
    this.resolver = resolver;
    this.staleNanos = staleNanos;
  }

  /**
   * @param gone how many were newly seen to be gone
   * @param forgot whether any was forgotten
   */
  record Result(int gone, boolean forgot) {}

  /**
   * @throws IOException if the kernel refuses to say; nothing has changed then
   */
  Result sweep(long now) throws IOException {
    List<Long> alive = new ArrayList<>();
    table.forEach(
        e -> {
          if (!e.isRemoved()) {
            alive.add(e.id);
          }
        });
    int[] gone = {0};
    resolver.findGone(
        alive,
        id -> {
          IdTable.Entry e = table.get(id);
          if (e != null) {
            table.removed(e, now);
            gone[0]++;
          }
        });
    boolean forgot = table.removeIf(e -> isExpired(e, now));
    last = now;
    livePods = livePods();
    return new Result(gone[0], forgot);
  }

  private Set<String> livePods() {
    Set<String> live = new HashSet<>();
    table.forEach(
        e -> {
          Workload workload = e.workload;
          boolean container = !e.name.container().isEmpty(); // its own cgroup may stay behind
          if (container && !e.isRemoved() && workload != null && !workload.uid().isEmpty()) {
            live.add(workload.uid());
          }
        });
    return live;
  }

  private boolean isExpired(IdTable.Entry e, long now) {
    if (!e.isRemoved() || (e.asked && e.workload == null)) {
      return false; // counts may wait for its name
    }
    long keep = Math.max(e.asked ? 2 * staleNanos : 0, REMEMBERED.toNanos());
    // Gone before the last sweep: whoever counts by it has looked once since, and asked.
    return e.removedNanos() < last && now - e.removedNanos() >= keep;
  }

  /** Whether any container of that pod had a cgroup at the last sweep, its sandbox included. */
  boolean podLives(String uid) {
    return livePods.contains(uid);
  }
}
