package dev.sonde.agent.usage;

import dev.sonde.agent.workload.Linger;
import dev.sonde.exporter.model.Workload;

/**
 * What all cgroups of one workload counted, those that ended included.
 *
 * <p>Owned by the snapshot thread.
 */
final class Totals {
  final Workload owner;
  final Readings sums = new Readings();
  final Linger linger = new Linger();

  /** How many cgroups count for it, those that ended and are not reclaimable yet included. */
  int cgroups;

  Totals(Workload owner) {
    this.owner = owner;
  }
}
