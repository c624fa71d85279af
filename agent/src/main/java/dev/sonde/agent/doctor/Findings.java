package dev.sonde.agent.doctor;

import dev.sonde.agent.probe.ProbeReport;
import java.util.List;

/**
 * All that {@code sonde doctor} found.
 *
 * @param trouble why the probes could not even be tried; empty if they were
 */
public record Findings(String version, List<Fact> facts, List<ProbeReport> probes, String trouble) {
  public Findings {
    facts = List.copyOf(facts);
    probes = List.copyOf(probes);
  }

  /** What it comes to. */
  public enum Verdict {
    /** Every probe is up. */
    OK,
    /** Sonde runs, without some probes; without any, it still reports on JVMs and on itself. */
    DEGRADED,
    /** Sonde cannot run here. */
    FAILED
  }

  /** How many probes are up. */
  public long up() {
    return probes.stream().filter(ProbeReport::up).count();
  }

  /** What it comes to. */
  public Verdict verdict() {
    if (!trouble.isEmpty()) {
      return Verdict.FAILED;
    }
    return up() == probes.size() ? Verdict.OK : Verdict.DEGRADED;
  }
}
