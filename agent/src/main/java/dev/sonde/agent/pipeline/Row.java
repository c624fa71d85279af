package dev.sonde.agent.pipeline;

import dev.sonde.exporter.model.Histogram;
import dev.sonde.exporter.model.Metric;
import dev.sonde.exporter.model.Series;
import dev.sonde.exporter.model.Workload;
import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A series that lives, or a part of {@code ~other} that has none of its own, and its value in the
 * snapshot that is being made.
 *
 * <p>Owned by the snapshot thread.
 */
final class Row {
  /** Null for a series of the node or the agent. */
  final @Nullable Workload owner;

  private final String[] more;

  /** Null for one that has no series of its own. */
  private final @Nullable Series series;

  /** Where its increments go if it has none. */
  final @Nullable Row into;

  /** Who mentioned it first. */
  final @Nullable Source source;

  /** The sequence of the last snapshot that mentioned it. */
  private long seen;

  private double value;
  private @Nullable Histogram histogram;

  /** What of it has gone into another row so far. */
  private double passedOn;

  private @Nullable Histogram histogramPassedOn;

  /** What others' rows have passed on to this one: it never falls. */
  private double taken;

  private @Nullable Histogram histogramTaken;

  /** Whether others' rows go into this one: it never ends. */
  private boolean takes;

  /**
   * @param more its other labels, never written again
   */
  Row(
      @Nullable Workload owner,
      String[] more,
      @Nullable Series series,
      @Nullable Row into,
      @Nullable Source source) {
    this.owner = owner;
    this.more = more;
    this.series = series;
    this.into = into;
    this.source = source;
    if (into != null) {
      into.takes = true;
    }
  }

  boolean hasLabels(String[] labels) {
    return Arrays.equals(more, labels);
  }

  /** Of one that goes into no other. */
  Series series() {
    return Objects.requireNonNull(series);
  }

  boolean takes() {
    return takes;
  }

  boolean isIn(long snapshot) {
    return seen == snapshot;
  }

  /** From now on it is in that snapshot, with nothing yet. */
  void begin(long snapshot) {
    seen = snapshot;
    value = 0;
    histogram = null;
  }

  void add(double more) {
    value += more;
  }

  void add(Histogram more) {
    histogram = histogram == null ? more : histogram.plus(more);
  }

  /** Passes on what it grew by since it last did; all that it is, if it is a gauge. */
  void passOn(Metric.Type type, Row to) {
    switch (type) {
      case GAUGE -> to.add(value);
      case COUNTER -> {
        to.taken += Math.max(value - passedOn, 0);
        passedOn = value;
      }
      case HISTOGRAM -> {
        Histogram now = histogram;
        if (now != null && now != histogramPassedOn) {
          Histogram grown = histogramPassedOn == null ? now : now.minus(histogramPassedOn);
          to.histogramTaken = to.histogramTaken == null ? grown : to.histogramTaken.plus(grown);
          histogramPassedOn = now;
        }
      }
    }
  }

  double value() {
    return value + taken;
  }

  @Nullable Histogram histogram() {
    if (histogram == null || histogramTaken == null) {
      return histogram == null ? histogramTaken : histogram;
    }
    return histogram.plus(histogramTaken);
  }
}
