package dev.sonde.agent.probe;

import dev.sonde.agent.probe.Attempt.Outcome;
import java.util.List;

/**
 * How one probe stands: what was tried, in order, and which mechanism serves it.
 *
 * @param probe the name in {@code sonde_probe_up{probe}}, for example {@code tcp_retransmit}
 * @param metrics the metrics that end with it when it is down
 */
public record ProbeReport(String probe, List<String> metrics, List<Attempt> attempts) {
  /** The mechanism of a probe that could not attach at all. */
  public static final String NONE = "none";

  public ProbeReport {
    metrics = List.copyOf(metrics);
    attempts = List.copyOf(attempts);
  }

  public boolean up() {
    return !mechanism().equals(NONE);
  }

  /** The rung that holds, or {@link #NONE}. */
  public String mechanism() {
    for (Attempt a : attempts) {
      if (a.outcome() instanceof Outcome.Attached) {
        return a.mechanism();
      }
    }
    return NONE;
  }
}
