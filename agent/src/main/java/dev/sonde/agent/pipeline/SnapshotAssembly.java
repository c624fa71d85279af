package dev.sonde.agent.pipeline;

import dev.sonde.exporter.model.Family;
import dev.sonde.exporter.model.Histogram;
import dev.sonde.exporter.model.Metric;
import dev.sonde.exporter.model.Series;
import dev.sonde.exporter.model.Snapshot;
import dev.sonde.exporter.model.Workload;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** One snapshot in the making. Owned by the snapshot thread, used once. */
final class SnapshotAssembly implements SnapshotBuilder {
  private final SeriesTable table;
  private final long sequence;
  private final Instant at;
  private final Map<Metric, Scalars> scalars = new LinkedHashMap<>();
  private final Map<Metric, Histograms> histograms = new LinkedHashMap<>();

  SnapshotAssembly(SeriesTable table, long sequence, Instant at) {
    this.table = table;
    this.sequence = sequence;
    this.at = at;
  }

  /** Columns that grow. */
  private static final class Scalars {
    final Map<Series, Integer> rows = new LinkedHashMap<>();
    double[] values = new double[16];

    void add(Series series, double value) {
      int row = rows.computeIfAbsent(series, s -> rows.size());
      if (row == values.length) {
        values = Arrays.copyOf(values, row * 2);
      }
      values[row] += value;
    }

    Family family(Metric metric) {
      return new Family.Scalars(
          metric, rows.keySet().toArray(Series[]::new), Arrays.copyOf(values, rows.size()));
    }
  }

  private static final class Histograms {
    final Map<Series, Histogram> rows = new LinkedHashMap<>();

    Family family(Metric metric) {
      return new Family.Histograms(
          metric, rows.keySet().toArray(Series[]::new), rows.values().toArray(Histogram[]::new));
    }
  }

  @Override
  public void add(Metric metric, Workload owner, double value, String... more) {
    addScalar(metric, owner, value, more);
  }

  @Override
  public void add(Metric metric, Workload owner, Histogram value, String... more) {
    Series series = table.get(metric, owner, more, sequence, at.toEpochMilli());
    histograms
        .computeIfAbsent(metric, m -> new Histograms())
        .rows
        .merge(series, value, Histogram::plus);
  }

  @Override
  public void addOwn(Metric metric, double value, String... labels) {
    addScalar(metric, null, value, labels);
  }

  private void addScalar(Metric metric, @Nullable Workload owner, double value, String[] more) {
    Series series = table.get(metric, owner, more, sequence, at.toEpochMilli());
    scalars.computeIfAbsent(metric, m -> new Scalars()).add(series, value);
  }

  /** How many series each metric has so far. */
  Map<Metric, Integer> counts() {
    Map<Metric, Integer> counts = new LinkedHashMap<>();
    scalars.forEach((m, s) -> counts.put(m, s.rows.size()));
    histograms.forEach((m, h) -> counts.put(m, h.rows.size()));
    return counts;
  }

  Snapshot finish() {
    table.endOthers(sequence);
    List<Family> families = new ArrayList<>(scalars.size() + histograms.size());
    scalars.forEach((metric, s) -> families.add(s.family(metric)));
    histograms.forEach((metric, h) -> families.add(h.family(metric)));
    return new Snapshot(sequence, at, families);
  }
}
