package dev.sonde.agent.probe;

import java.util.List;

/**
 * A probe as a table row: its name, the object its programs are in, what is lost without it, and
 * its ladder, best rung first.
 *
 * @param needs the probes that see the other end of what this one begins: without them it counts
 *     nothing
 */
record ProbeSpec(
    String name, String object, List<String> metrics, List<Rung> ladder, List<ProbeSpec> needs) {
  ProbeSpec {
    metrics = List.copyOf(metrics);
    ladder = List.copyOf(ladder);
    needs = List.copyOf(needs);
  }

  ProbeSpec(String name, String object, List<String> metrics, List<Rung> ladder) {
    this(name, object, metrics, ladder, List.of());
  }

  ProbeSpec needing(ProbeSpec... others) {
    return new ProbeSpec(name, object, metrics, ladder, List.of(others));
  }
}
