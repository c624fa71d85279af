package dev.sonde.agent.runtime.jvm;

import dev.sonde.agent.pipeline.SnapshotBuilder;
import dev.sonde.agent.pipeline.Source;
import dev.sonde.exporter.model.Histogram;
import dev.sonde.exporter.model.Metric;
import dev.sonde.exporter.model.Workload;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** One collection of a source, to look values up in. */
final class Collected implements SnapshotBuilder {
  private final Map<String, Double> values = new TreeMap<>();

  static Collected from(Source source) {
    Collected c = new Collected();
    source.collect(c);
    return c;
  }

  private static String key(String metric, Workload owner, String... more) {
    return metric + " " + owner.pod() + owner.unit() + " " + List.of(more);
  }

  @Override
  public void add(Metric metric, Workload owner, double value, String... more) {
    values.merge(key(metric.name(), owner, more), value, Double::sum);
  }

  @Override
  public void add(Metric metric, Workload owner, Histogram value, String... more) {
    throw new AssertionError("no histogram expected: " + metric.name());
  }

  @Override
  public void addOwn(Metric metric, double value, String... labels) {
    throw new AssertionError("no series of the agent expected: " + metric.name());
  }

  /** NaN where there is no such series. */
  double get(String metric, Workload owner, String... more) {
    return values.getOrDefault(key(metric, owner, more), Double.NaN);
  }

  boolean has(Workload owner) {
    return !series(owner).isEmpty();
  }

  /** Metric, owner and labels of every series of {@code owner}. */
  List<String> series(Workload owner) {
    String mine = " " + owner.pod() + owner.unit() + " ";
    return values.keySet().stream().filter(k -> k.contains(mine)).toList();
  }

  @Override
  public String toString() {
    return values.toString();
  }
}
