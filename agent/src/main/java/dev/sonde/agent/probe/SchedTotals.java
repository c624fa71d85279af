package dev.sonde.agent.probe;

import dev.sonde.exporter.model.Workload;

/**
 * What one workload's tasks did since the agent started: the sum over its cgroups, dead ones
 * included, so that it never falls.
 *
 * <p>Owned by the snapshot thread.
 */
final class SchedTotals {
  long onCpuNanos;
  final Durations[] waits = {new Durations(), new Durations(), new Durations()};
  final Durations[] blocks = {new Durations(), new Durations()};
  final long[] switches = new long[2];
  long migrations;
  final long[] misses = new long[SchedSettings.MAX_DEADLINES];
  final Culprits culprits;

  SchedTotals(Workload owner, int neighbours) {
    this.culprits = new Culprits(owner, neighbours);
  }
}
