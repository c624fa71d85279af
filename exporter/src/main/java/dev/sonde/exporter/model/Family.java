package dev.sonde.exporter.model;

import java.util.Objects;

/**
 * All series of one metric at one instant, in columns: series {@code i} has value {@code i}.
 *
 * <p>The arrays are handed over to the family and never written again by anyone: columns instead of
 * one object per value are what keeps a snapshot of 100,000 series cheap.
 */
public sealed interface Family {
  Metric metric();

  int size();

  Series series(int i);

  /** Counters and gauges. */
  final class Scalars implements Family {
    private final Metric metric;
    private final Series[] series;
    private final double[] values;

    public Scalars(Metric metric, Series[] series, double[] values) {
      this.metric = Objects.requireNonNull(metric, "metric");
      this.series = checkLength(series, values.length);
      this.values = values;
    }

    @Override
    public Metric metric() {
      return metric;
    }

    @Override
    public int size() {
      return series.length;
    }

    @Override
    public Series series(int i) {
      return series[i];
    }

    public double value(int i) {
      return values[i];
    }
  }

  /** Histograms. */
  final class Histograms implements Family {
    private final Metric metric;
    private final Series[] series;
    private final Histogram[] values;

    public Histograms(Metric metric, Series[] series, Histogram[] values) {
      this.metric = Objects.requireNonNull(metric, "metric");
      this.series = checkLength(series, values.length);
      this.values = values;
    }

    @Override
    public Metric metric() {
      return metric;
    }

    @Override
    public int size() {
      return series.length;
    }

    @Override
    public Series series(int i) {
      return series[i];
    }

    public Histogram value(int i) {
      return values[i];
    }
  }

  private static Series[] checkLength(Series[] series, int values) {
    if (series.length != values) {
      throw new IllegalArgumentException(
          "family: " + series.length + " series but " + values + " values");
    }
    return series;
  }
}
