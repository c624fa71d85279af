package dev.sonde.agent.probe;

import java.util.Arrays;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * From how many on something is a finding.
 *
 * {@snippet :
 * TcpThresholds.of(List.of("reconnect_churn=20000")).of(TcpFinding.RECONNECT_CHURN); // 20000
 * }
 *
 * @param byFinding one for each; immutable
 */
public record TcpThresholds(Map<TcpFinding, Long> byFinding) {
  /** What holds if nobody says otherwise. */
  public static final TcpThresholds DEFAULT = of(List.of());

  public TcpThresholds {
    Map<TcpFinding, Long> all = new EnumMap<>(TcpFinding.class);
    for (TcpFinding f : TcpFinding.values()) {
      all.put(f, byFinding.getOrDefault(f, f.defaultThreshold()));
    }
    byFinding = Collections.unmodifiableMap(all);
  }

  /**
   * @param pairs {@code FINDING=N}; what is not mentioned keeps its default
   * @throws IllegalArgumentException naming what is wrong with which of them
   */
  public static TcpThresholds of(List<String> pairs) {
    Map<TcpFinding, Long> given = new EnumMap<>(TcpFinding.class);
    for (String pair : pairs) {
      int equals = pair.indexOf('=');
      if (equals < 0) {
        throw new IllegalArgumentException("'" + pair + "' is not FINDING=N");
      }
      TcpFinding finding = finding(pair.substring(0, equals).strip());
      if (given.put(finding, number(pair, pair.substring(equals + 1).strip())) != null) {
        throw new IllegalArgumentException("two thresholds for " + finding.label());
      }
    }
    return new TcpThresholds(given);
  }

  private static TcpFinding finding(String name) {
    for (TcpFinding f : TcpFinding.values()) {
      if (f.label().equals(name)) {
        return f;
      }
    }
    throw new IllegalArgumentException(
        "'"
            + name
            + "' is no finding; there are "
            + Arrays.stream(TcpFinding.values())
                .map(TcpFinding::label)
                .collect(Collectors.joining(", ")));
  }

  private static long number(String pair, String text) {
    try {
      long n = Long.parseLong(text);
      if (n >= 1) {
        return n;
      }
    } catch (NumberFormatException e) {
      // said below
    }
    throw new IllegalArgumentException("'" + pair + "': not a whole number from 1 on");
  }

  public long of(TcpFinding finding) {
    return byFinding.getOrDefault(finding, finding.defaultThreshold());
  }
}
