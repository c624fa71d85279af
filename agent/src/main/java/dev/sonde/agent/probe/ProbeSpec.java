package dev.sonde.agent.probe;

import java.util.List;

/**
 * A probe as a table row: its name, the object its programs are in, what is lost without it, and
 * its ladder, best rung first.
 */
record ProbeSpec(String name, String object, List<String> metrics, List<Rung> ladder) {
  ProbeSpec {
    metrics = List.copyOf(metrics);
    ladder = List.copyOf(ladder);
  }
}
