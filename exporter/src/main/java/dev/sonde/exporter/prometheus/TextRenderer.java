package dev.sonde.exporter.prometheus;

import dev.sonde.exporter.model.Family;
import dev.sonde.exporter.model.Histogram;
import dev.sonde.exporter.model.Metric;
import dev.sonde.exporter.model.Series;
import dev.sonde.exporter.model.Snapshot;
import java.util.concurrent.ConcurrentHashMap;

/**
 * A snapshot as Prometheus text 0.0.4, at the price of copying the text.
 *
 * <p>The text before each value never changes while a series lives: it is escaped once and kept in
 * {@link Series#rendered}. After that a series costs a copy and a number, and allocates nothing
 * unless its value is neither an integer nor whole nanoseconds.
 *
 * <p>Classic buckets are sums of native ones, so both forms of a histogram agree exactly; without
 * them only {@code +Inf}, {@code _sum} and {@code _count} remain, which the text format requires.
 *
 * <p>Any number of threads may render at once, each into its own buffer. Source of the format:
 * prometheus.io/docs/instrumenting/exposition_formats.
 */
public final class TextRenderer {
  private final boolean classicHistograms;

  /** By the metric's name. */
  private final ConcurrentHashMap<String, MetricText> texts = new ConcurrentHashMap<>();

  /**
   * @param classicHistograms whether to write the classic buckets below +Inf
   */
  public TextRenderer(boolean classicHistograms) {
    this.classicHistograms = classicHistograms;
  }

  /** Appends the whole page. */
  public void render(Snapshot snapshot, Bytes out) {
    for (Family family : snapshot.families()) {
      if (family.size() == 0) {
        continue;
      }
      Metric metric = family.metric();
      MetricText text = texts.computeIfAbsent(metric.name(), name -> new MetricText(metric));
      out.put(text.header);
      switch (family) {
        case Family.Scalars scalars -> scalars(scalars, out);
        case Family.Histograms histograms -> histograms(histograms, text, out);
      }
    }
  }

  private static void scalars(Family.Scalars family, Bytes out) {
    for (int i = 0; i < family.size(); i++) {
      Series series = family.series(i);
      byte[] prefix = series.rendered();
      if (prefix == null) {
        prefix = MetricText.scalarPrefix(series.metric(), series.labels());
        series.rendered(prefix);
      }
      out.put(prefix);
      Numbers.value(out, family.value(i));
      out.put('\n');
    }
  }

  private void histograms(Family.Histograms family, MetricText text, Bytes out) {
    for (int i = 0; i < family.size(); i++) {
      Series series = family.series(i);
      byte[] labels = series.rendered();
      if (labels == null) {
        labels = MetricText.histogramLabels(series.labels());
        series.rendered(labels);
      }
      Histogram histogram = family.value(i);
      if (classicHistograms) {
        classicBuckets(histogram, text, labels, out);
      }
      bucket(text, labels, text.boundIndexes.length, histogram.count(), out);
      total(text.countName, labels, out);
      out.decimal(histogram.count()).put('\n');
      total(text.sumName, labels, out);
      Numbers.value(out, histogram.sum());
      out.put('\n');
    }
  }

  /** One pass over the native buckets; {@link Histogram#cumulative} would walk them per bound. */
  private static void classicBuckets(
      Histogram histogram, MetricText text, byte[] labels, Bytes out) {
    int next = 0;
    long total = histogram.zeroCount();
    for (int b = 0; b < text.boundIndexes.length; b++) {
      int last = Math.min(text.boundIndexes[b] - histogram.firstIndex(), histogram.buckets() - 1);
      while (next <= last) {
        total += histogram.bucket(next++);
      }
      bucket(text, labels, b, histogram.isZeroWithin(text.boundIndexes[b]) ? total : 0, out);
    }
  }

  private static void bucket(MetricText text, byte[] labels, int bound, long count, Bytes out) {
    out.put(text.bucketName).put(labels).put(text.bounds[bound]).decimal(count).put('\n');
  }

  private static void total(byte[] name, byte[] labels, Bytes out) {
    out.put(name);
    if (labels.length > 1) {
      out.put(labels, 0, labels.length - 1).put('}');
    }
    out.put(' ');
  }
}
