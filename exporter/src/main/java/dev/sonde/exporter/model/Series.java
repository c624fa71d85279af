package dev.sonde.exporter.model;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The identity of one series: metric, labels and when it began.
 *
 * <p>Made once by whoever counts, and used again in every snapshot for as long as the series lives,
 * so that a renderer can keep what it derives from it (the escaped text before the value) in {@link
 * #rendered}.
 */
public final class Series {
  private final Metric metric;
  private final Labels labels;
  private final long createdMillis;
  private volatile byte @Nullable [] rendered;

  /**
   * @param createdMillis when the counter started from zero, in milliseconds since 1970;
   *     Prometheus' created timestamp
   */
  public Series(Metric metric, Labels labels, long createdMillis) {
    this.metric = Objects.requireNonNull(metric, "metric");
    this.labels = Objects.requireNonNull(labels, "labels");
    this.createdMillis = createdMillis;
  }

  public Metric metric() {
    return metric;
  }

  public Labels labels() {
    return labels;
  }

  public long createdMillis() {
    return createdMillis;
  }

  /** What the text renderer keeps with this series; null until it has rendered it once. */
  public byte @Nullable [] rendered() {
    return rendered;
  }

  /** Any thread may set it: every renderer computes the same bytes from the same identity. */
  public void rendered(byte[] bytes) {
    rendered = bytes;
  }

  @Override
  public String toString() {
    return metric.name() + labels;
  }
}
