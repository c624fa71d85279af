package dev.sonde.agent;

import dev.sonde.agent.pipeline.SnapshotBuilder;
import dev.sonde.agent.pipeline.Source;
import dev.sonde.agent.workload.PodTable;
import java.io.IOException;
import java.io.UncheckedIOException;

/**
 * Puts new names in force, and looks now and then which cgroups are gone, before the probes ask
 * whose slots may be used again.
 */
final class PodSweep implements Source {
  private static final int EVERY = 5;

  private final PodTable pods;
  private int snapshots;

  PodSweep(PodTable pods) {
    this.pods = pods;
  }

  @Override
  public void collect(SnapshotBuilder out) {
    pods.settle();
    if (snapshots++ % EVERY != 0) {
      return;
    }
    try {
      pods.sweep();
    } catch (IOException e) {
      throw new UncheckedIOException("look which cgroups are gone", e);
    }
  }
}
