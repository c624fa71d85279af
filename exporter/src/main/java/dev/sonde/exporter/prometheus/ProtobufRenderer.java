package dev.sonde.exporter.prometheus;

import dev.sonde.exporter.model.Family;
import dev.sonde.exporter.model.Snapshot;
import io.prometheus.metrics.config.EscapingScheme;
import io.prometheus.metrics.expositionformats.generated.com_google_protobuf_4_36_1.Metrics;
import io.prometheus.metrics.expositionformats.internal.PrometheusProtobufWriterImpl;
import io.prometheus.metrics.model.snapshots.HistogramSnapshot;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import java.io.IOException;
import java.io.OutputStream;

/**
 * A snapshot as delimited protobuf, by the official library's conversion.
 *
 * <p>Its writer (1.9.0) leaves the created timestamp of histograms out; it is set here, so that a
 * restarted histogram is as visible as a restarted counter. One family is converted at a time: the
 * whole page never stands in memory as messages.
 */
final class ProtobufRenderer {
  private final PrometheusProtobufWriterImpl official = new PrometheusProtobufWriterImpl();
  private final SnapshotConverter converter;

  ProtobufRenderer(SnapshotConverter converter) {
    this.converter = converter;
  }

  void render(Snapshot snapshot, OutputStream out) throws IOException {
    for (Family family : snapshot.families()) {
      if (family.size() == 0) {
        continue;
      }
      MetricSnapshot converted = converter.convert(family);
      Metrics.MetricFamily message = official.convert(converted, EscapingScheme.ALLOW_UTF8);
      if (converted instanceof HistogramSnapshot histogram) {
        message = withCreated(message, histogram);
      }
      message.writeDelimitedTo(out);
    }
  }

  private static Metrics.MetricFamily withCreated(
      Metrics.MetricFamily message, HistogramSnapshot histogram) {
    Metrics.MetricFamily.Builder family = message.toBuilder();
    for (int i = 0; i < family.getMetricCount(); i++) {
      // the library sorts the points of a snapshot by label, and converts them in that order
      long created = histogram.getDataPoints().get(i).getCreatedTimestampMillis();
      family
          .getMetricBuilder(i)
          .getHistogramBuilder()
          .getCreatedTimestampBuilder()
          .setSeconds(Math.floorDiv(created, 1000L))
          .setNanos(Math.floorMod(created, 1000) * 1_000_000);
    }
    return family.build();
  }
}
