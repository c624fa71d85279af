package dev.sonde.agent.config;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * The mechanisms an operator insists on: {@code sched=raw_tp,buffer=perf}.
 *
 * <p>A probe named here tries this rung of its ladder and no other. {@code buffer} stands for the
 * way of the events: {@code ring} or {@code perf}.
 *
 * @param byProbe probe to mechanism
 */
public record MechanismChoice(Map<String, String> byProbe) {
  /** The name under which the event buffer is chosen. */
  public static final String BUFFER = "buffer";

  public MechanismChoice {
    byProbe = Collections.unmodifiableMap(new TreeMap<>(byProbe));
  }

  /** What is chosen for {@code probe}; empty means: the first that attaches. */
  public Optional<String> of(String probe) {
    return Optional.ofNullable(byProbe.get(probe));
  }

  static MechanismChoice parse(String text) throws BadValueException {
    Map<String, String> chosen = new LinkedHashMap<>();
    for (String pair : ProbeSelection.items(text)) {
      int equals = pair.indexOf('=');
      String probe = equals < 0 ? "" : pair.substring(0, equals).strip();
      String mechanism = pair.substring(equals + 1).strip();
      if (probe.isEmpty() || mechanism.isEmpty()) {
        throw new BadValueException("'" + pair + "' is not PROBE=MECHANISM");
      }
      String before = chosen.put(probe, mechanism);
      if (before != null && !before.equals(mechanism)) {
        throw new BadValueException(
            "two mechanisms for " + probe + ": " + before + " and " + mechanism);
      }
    }
    return new MechanismChoice(chosen);
  }
}
