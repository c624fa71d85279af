package dev.sonde.exporter.prometheus;

import dev.sonde.exporter.model.Family;
import dev.sonde.exporter.model.Histogram;
import dev.sonde.exporter.model.Metric;
import dev.sonde.exporter.model.Series;
import io.prometheus.metrics.model.snapshots.ClassicHistogramBuckets;
import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import io.prometheus.metrics.model.snapshots.CounterSnapshot.CounterDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.Exemplars;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot.GaugeDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.HistogramSnapshot;
import io.prometheus.metrics.model.snapshots.HistogramSnapshot.HistogramDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricMetadata;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import io.prometheus.metrics.model.snapshots.NativeHistogramBuckets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** One of our families in the official library's model. */
final class SnapshotConverter {
  /**
   * The native bucket of +Inf at schema 2: one past {@code (…, Double.MAX_VALUE]}, whose index is
   * 1024 x 4. What is beyond our last bucket is counted there, so that the buckets add up to the
   * count, as the native histogram's definition demands.
   */
  static final int INFINITE_BUCKET = (1024 << Histogram.SCHEMA) + 1;

  private final boolean classicHistograms;

  SnapshotConverter(boolean classicHistograms) {
    this.classicHistograms = classicHistograms;
  }

  MetricSnapshot convert(Family family) {
    return switch (family) {
      case Family.Scalars scalars ->
          switch (family.metric().type()) {
            case COUNTER -> counter(scalars);
            case GAUGE -> gauge(scalars);
            case HISTOGRAM ->
                throw new IllegalArgumentException(
                    family.metric().name() + " is a histogram but has plain values");
          };
      case Family.Histograms histograms -> histogram(histograms);
    };
  }

  private static MetricSnapshot counter(Family.Scalars family) {
    List<CounterDataPointSnapshot> points = new ArrayList<>(family.size());
    for (int i = 0; i < family.size(); i++) {
      Series series = family.series(i);
      points.add(
          new CounterDataPointSnapshot(
              family.value(i), labels(series), null, series.createdMillis()));
    }
    String name = family.metric().name();
    String base = name.substring(0, name.length() - "_total".length());
    return new CounterSnapshot(new MetricMetadata(base, family.metric().help()), points);
  }

  private static MetricSnapshot gauge(Family.Scalars family) {
    List<GaugeDataPointSnapshot> points = new ArrayList<>(family.size());
    for (int i = 0; i < family.size(); i++) {
      points.add(new GaugeDataPointSnapshot(family.value(i), labels(family.series(i)), null));
    }
    return new GaugeSnapshot(metadata(family.metric()), points);
  }

  private MetricSnapshot histogram(Family.Histograms family) {
    double[] bounds = bounds(family.metric());
    List<HistogramDataPointSnapshot> points = new ArrayList<>(family.size());
    for (int i = 0; i < family.size(); i++) {
      Series series = family.series(i);
      Histogram h = family.value(i);
      points.add(
          new HistogramDataPointSnapshot(
              classic(family.metric(), bounds, h),
              Histogram.SCHEMA,
              h.zeroCount(),
              h.zeroThreshold(),
              positive(h),
              NativeHistogramBuckets.EMPTY,
              h.sum(),
              labels(series),
              Exemplars.EMPTY,
              series.createdMillis()));
    }
    return new HistogramSnapshot(metadata(family.metric()), points);
  }

  private double[] bounds(Metric metric) {
    List<Integer> indexes = classicHistograms ? metric.classicBuckets() : List.of();
    double[] bounds = new double[indexes.size() + 1];
    for (int i = 0; i < indexes.size(); i++) {
      bounds[i] = Histogram.upperBound(indexes.get(i));
    }
    bounds[indexes.size()] = Double.POSITIVE_INFINITY;
    return bounds;
  }

  /** The official model wants counts per bucket, not cumulative ones. */
  private static ClassicHistogramBuckets classic(Metric metric, double[] bounds, Histogram h) {
    long[] counts = new long[bounds.length];
    long below = 0;
    for (int i = 0; i < bounds.length - 1; i++) {
      long cumulative = h.cumulative(metric.classicBuckets().get(i));
      counts[i] = cumulative - below;
      below = cumulative;
    }
    counts[bounds.length - 1] = h.count() - below;
    return ClassicHistogramBuckets.of(bounds, counts);
  }

  private static NativeHistogramBuckets positive(Histogram h) {
    int[] indexes = new int[h.buckets() + 1];
    long[] counts = new long[h.buckets() + 1];
    int used = 0;
    for (int i = 0; i < h.buckets(); i++) {
      if (h.bucket(i) != 0) {
        indexes[used] = h.firstIndex() + i;
        counts[used++] = h.bucket(i);
      }
    }
    if (h.overflow() != 0) {
      indexes[used] = INFINITE_BUCKET;
      counts[used++] = h.overflow();
    }
    return NativeHistogramBuckets.of(Arrays.copyOf(indexes, used), Arrays.copyOf(counts, used));
  }

  private static MetricMetadata metadata(Metric metric) {
    return new MetricMetadata(metric.name(), metric.help());
  }

  private static Labels labels(Series series) {
    List<String> names = series.labels().names();
    List<String> values = series.labels().values();
    String[] wellFormed = new String[values.size()];
    for (int i = 0; i < wellFormed.length; i++) {
      wellFormed[i] = Escapes.wellFormed(values.get(i));
    }
    return Labels.of(names.toArray(new String[0]), wellFormed);
  }
}
