package dev.sonde.agent.pipeline;

import dev.sonde.exporter.model.Metric;
import java.time.Instant;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Every series that lives, so that a snapshot uses the same {@link dev.sonde.exporter.model.Series}
 * object as the one before it and renderers find what they kept there.
 *
 * <p>A series that a snapshot does not mention has ended; if it comes back, it is a new one with a
 * new created timestamp. Only where its source failed, that says nothing. Owned by the snapshot
 * thread.
 */
final class SeriesTable {
  private final String node;
  private SeriesLimits limits;
  private final Map<String, MetricSeries> metrics = new LinkedHashMap<>();
  private long snapshot;
  private Instant at = Instant.EPOCH;
  private @Nullable Source source;
  private int named;

  /**
   * @param node value of every series' {@code node} label
   */
  SeriesTable(String node, SeriesLimits limits) {
    this.node = node;
    this.limits = limits;
  }

  /**
   * Other limits for the series that come from now on: those that are there stay, and what is in
   * {@code ~other} stays in it until it ends.
   */
  void limit(SeriesLimits newLimits) {
    limits = newLimits;
  }

  /** A snapshot is begun. */
  void begin(long sequence, Instant time) {
    snapshot = sequence;
    at = time;
    source = null;
  }

  /** What is mentioned next, it is that source which does. */
  void from(Source next) {
    source = next;
  }

  /** The series of a metric; the same object each time. */
  MetricSeries of(Metric metric) {
    MetricSeries of = metrics.get(metric.name());
    if (of == null) {
      of = new MetricSeries(metric, this);
      metrics.put(metric.name(), of);
    }
    return of;
  }

  Collection<MetricSeries> all() {
    return metrics.values();
  }

  String node() {
    return node;
  }

  long snapshot() {
    return snapshot;
  }

  long nowMillis() {
    return at.toEpochMilli();
  }

  @Nullable Source source() {
    return source;
  }

  /** Whether a metric that has so many series of workloads may have one more. */
  boolean hasRoom(int ofMetric) {
    return ofMetric < limits.perMetric() && named < limits.all();
  }

  void added(int series) {
    named += series;
  }

  /** The snapshot is made: forgets the series that it did not mention, but for the failed. */
  void end(Set<Source> failed) {
    metrics.values().forEach(m -> m.end(failed));
  }
}
