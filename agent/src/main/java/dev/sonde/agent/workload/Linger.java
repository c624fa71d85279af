package dev.sonde.agent.workload;

import dev.sonde.exporter.model.Workload;

/**
 * For how long the sums of a workload are kept that no cgroup counts for any more.
 *
 * <p>What ended containers did stays in the sums of their pod for as long as it lives, and all of
 * it is shown for {@code --stale-after} more, so that every scraper sees the last values. One
 * object for each workload; not thread-safe.
 */
public final class Linger {
  private boolean touched;
  private long touchedAt;

  /** It was of use until now: its sums are kept for {@code --stale-after}. */
  public void touch(long now) {
    touched = true;
    touchedAt = now;
  }

  /**
   * Whether it can be forgotten; asked at each snapshot at which nothing counts for it.
   *
   * @param now of one monotonic clock
   */
  public boolean isOver(PodLife pods, Workload workload, long now) {
    if (pods.podLives(workload)) {
      touch(now);
      return false;
    }
    return !touched || now - touchedAt >= pods.staleNanos();
  }
}
