package dev.sonde.agent.workload;

import dev.sonde.exporter.model.Workload;

/**
 * Whether a workload's pod is still there, for whoever keeps sums of what its cgroups did.
 *
 * <p>{@link PodTable} knows.
 */
public interface PodLife {
  /**
   * Whether the series of {@code workload} have ended because its pod's name belongs to a later
   * pod: both would have the same labels.
   */
  boolean replaced(Workload workload);

  /** Whether any container of its pod has a cgroup, the sandbox included. */
  boolean podLives(Workload workload);

  /** {@code --stale-after}. */
  long staleNanos();
}
