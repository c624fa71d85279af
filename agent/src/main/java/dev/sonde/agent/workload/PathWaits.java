package dev.sonde.agent.workload;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Which cgroup ids are waited for, whose cgroup is gone and whose path may still come.
 *
 * <p>Bounded: what comes when it is full is not waited for. Not thread-safe.
 */
final class PathWaits {
  private static final int MAX = 4096;

  private final long waitNanos;
  private final Map<Long, Long> since = new LinkedHashMap<>();

  PathWaits(long waitNanos) {
    this.waitNanos = waitNanos;
  }

  /** Whether {@code id}, which has no path now, may still get one. */
  boolean shouldWait(long id, long now) {
    since.values().removeIf(first -> now - first > 2 * waitNanos);
    if (!since.containsKey(id) && since.size() >= MAX) {
      return false;
    }
    return now - since.computeIfAbsent(id, i -> now) < waitNanos;
  }
}
