package dev.sonde.agent.pipeline;

import dev.sonde.exporter.model.Family;
import dev.sonde.exporter.model.Histogram;
import dev.sonde.exporter.model.Metric;
import dev.sonde.exporter.model.Snapshot;
import dev.sonde.exporter.model.Workload;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** One snapshot in the making. Owned by the snapshot thread, used once. */
final class SnapshotAssembly implements SnapshotBuilder {
  private static final Metric SERIES =
      Metric.gauge("sonde_series", "Series of each metric in this snapshot.");

  private static final Metric DROPPED =
      Metric.counter(
          "sonde_series_dropped_total",
          "Series that have none of their own, for --max-series or --max-series-per-metric; their"
              + " increments are in ~other.");

  private final SeriesTable table;
  private final long sequence;
  private final Instant at;

  SnapshotAssembly(SeriesTable table, long sequence, Instant at) {
    this.table = table;
    this.sequence = sequence;
    this.at = at;
    table.begin(sequence, at);
  }

  @Override
  public void add(Metric metric, Workload owner, double value, String... more) {
    table.of(metric).add(owner, more, value);
  }

  @Override
  public void add(Metric metric, Workload owner, Histogram value, String... more) {
    table.of(metric).add(owner, more, value);
  }

  @Override
  public void addOwn(Metric metric, double value, String... labels) {
    table.of(metric).add(null, labels, value);
  }

  /** When all sources have said what they have: how many series there are. */
  void addCounts() {
    // Not while the table changes: these two metrics are of it too.
    List<MetricSeries> metrics = List.copyOf(table.all());
    for (MetricSeries m : metrics) {
      m.fold();
      if (m.size() > 0) {
        addOwn(SERIES, m.size(), "metric", m.metric().name());
      }
      if (m.isPerWorkload()) {
        addOwn(DROPPED, m.dropped(), "metric", m.metric().name());
      }
    }
  }

  /**
   * @param failed the sources that did not say all
   */
  Snapshot finish(Set<Source> failed) {
    List<Family> families = new ArrayList<>(table.all().size());
    for (MetricSeries m : table.all()) {
      if (m.size() > 0) {
        families.add(m.family());
      }
    }
    table.end(failed);
    return new Snapshot(sequence, at, families);
  }
}
