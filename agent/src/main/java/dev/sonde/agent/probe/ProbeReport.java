package dev.sonde.agent.probe;

import dev.sonde.agent.probe.Attempt.Outcome;
import java.util.ArrayList;
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

  /** With the refusals that {@code other} met with where this one did not try. */
  ProbeReport explainedBy(ProbeReport other) {
    List<Attempt> explained = new ArrayList<>(attempts);
    for (int i = 0; i < explained.size(); i++) {
      if (explained.get(i).outcome() instanceof Outcome.Attached) {
        break; // what comes after it was not needed
      }
      if (explained.get(i).outcome() instanceof Outcome.Skipped
          && other.attempts().get(i).outcome() instanceof Outcome.Failed) {
        explained.set(i, other.attempts().get(i));
      }
    }
    return new ProbeReport(probe, metrics, explained);
  }

  /** Why no rung holds: what became of the first that was tried; empty if one does. */
  public String whyDown() {
    if (up()) {
      return "";
    }
    String skipped = "";
    for (Attempt a : attempts) {
      switch (a.outcome()) {
        case Outcome.Failed(String reason, String remedy) -> {
          return a.mechanism() + ": " + reason + (remedy.isEmpty() ? "" : "; " + remedy);
        }
        case Outcome.Skipped(String reason) -> skipped = a.mechanism() + ": " + reason;
        case Outcome.Attached() -> {
          // then it is up
        }
      }
    }
    return skipped;
  }
}
