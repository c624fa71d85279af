package dev.sonde.exporter.model;

import java.util.List;
import java.util.Objects;

/**
 * A metric's identity: one constant per metric of the contract, made in code.
 *
 * @param name the Prometheus name, {@code _total} included for counters
 * @param help one line that says what is counted
 * @param type how its values behave
 * @param classicBuckets histograms only: the native bucket indexes whose upper bounds become
 *     classic {@code le} bounds, ascending, at most ten, so that both forms agree exactly
 */
public record Metric(String name, String help, Type type, List<Integer> classicBuckets) {
  /** How a metric's values behave. */
  public enum Type {
    COUNTER,
    GAUGE,
    HISTOGRAM
  }

  public Metric {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(help, "help");
    classicBuckets = List.copyOf(classicBuckets);
    if (type == Type.COUNTER && !name.endsWith("_total")) {
      throw new IllegalArgumentException("counter " + name + " must end in _total");
    }
  }

  public static Metric counter(String name, String help) {
    return new Metric(name, help, Type.COUNTER, List.of());
  }

  public static Metric gauge(String name, String help) {
    return new Metric(name, help, Type.GAUGE, List.of());
  }

  public static Metric histogram(String name, String help, Integer... classicBuckets) {
    return new Metric(name, help, Type.HISTOGRAM, List.of(classicBuckets));
  }
}
