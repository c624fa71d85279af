package dev.sonde.exporter.prometheus;

import dev.sonde.exporter.model.Histogram;
import dev.sonde.exporter.model.Labels;
import dev.sonde.exporter.model.Metric;
import java.util.List;
import java.util.Locale;

/** What never changes in a metric's text: its HELP and TYPE lines, names and {@code le} labels. */
final class MetricText {
  final byte[] header;
  final byte[] bucketName;
  final byte[] sumName;
  final byte[] countName;

  /** {@code le="0.25"} and the closing brace, one per classic bucket, then the one of +Inf. */
  final byte[][] bounds;

  final int[] boundIndexes;

  MetricText(Metric metric) {
    this.header = header(metric);
    this.bucketName = bytes(metric.name() + "_bucket");
    this.sumName = bytes(metric.name() + "_sum");
    this.countName = bytes(metric.name() + "_count");
    List<Integer> indexes = metric.classicBuckets();
    this.boundIndexes = new int[indexes.size()];
    this.bounds = new byte[indexes.size() + 1][];
    for (int i = 0; i < boundIndexes.length; i++) {
      boundIndexes[i] = indexes.get(i);
      bounds[i] = bound(Histogram.upperBound(boundIndexes[i]));
    }
    bounds[boundIndexes.length] = bound(Double.POSITIVE_INFINITY);
  }

  private static byte[] header(Metric metric) {
    Bytes out = new Bytes(256);
    if (!metric.help().isEmpty()) {
      out.ascii("# HELP ").ascii(metric.name()).put(' ');
      Escapes.help(out, metric.help());
      out.put('\n');
    }
    out.ascii("# TYPE ").ascii(metric.name()).put(' ');
    out.ascii(metric.type().name().toLowerCase(Locale.ROOT)).put('\n');
    return out.toArray();
  }

  private static byte[] bound(double upper) {
    return bytes("le=\"" + Numbers.bound(upper) + "\"} ");
  }

  /** The whole text before a counter's or gauge's value. */
  static byte[] scalarPrefix(Metric metric, Labels labels) {
    Bytes out = new Bytes(256).ascii(metric.name());
    if (labels.size() > 0) {
      out.put('{');
      labels(out, labels);
      out.put('}');
    }
    return out.put(' ').toArray();
  }

  /** A histogram's labels with a comma after each, so that {@code le} can follow. */
  static byte[] histogramLabels(Labels labels) {
    Bytes out = new Bytes(256).put('{');
    if (labels.size() > 0) {
      labels(out, labels);
      out.put(',');
    }
    return out.toArray();
  }

  private static void labels(Bytes out, Labels labels) {
    for (int i = 0; i < labels.size(); i++) {
      if (i > 0) {
        out.put(',');
      }
      out.ascii(labels.names().get(i)).put('=').put('"');
      Escapes.labelValue(out, labels.values().get(i));
      out.put('"');
    }
  }

  private static byte[] bytes(String ascii) {
    return new Bytes(ascii.length()).ascii(ascii).toArray();
  }
}
