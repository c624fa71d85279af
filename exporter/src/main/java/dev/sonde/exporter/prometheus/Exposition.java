package dev.sonde.exporter.prometheus;

import dev.sonde.exporter.model.Family;
import dev.sonde.exporter.model.Snapshot;
import io.prometheus.metrics.config.EscapingScheme;
import io.prometheus.metrics.expositionformats.OpenMetricsTextFormatWriter;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.io.IOException;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.Deflater;
import java.util.zip.GZIPOutputStream;

/**
 * Turns a snapshot into the body of a scrape.
 *
 * <pre>{@code
 * Exposition exposition = new Exposition(true);
 * Bytes body = new Bytes(1 << 16);
 * exposition.render(snapshot, Negotiation.format(acceptHeader), body);
 * }</pre>
 *
 * <p>Text is the cheap path; OpenMetrics and protobuf build the official library's objects for
 * every series. OpenMetrics carries no {@code _created} lines: Prometheus would store each as a
 * series of its own.
 *
 * <p>Any number of threads may render at once, each into its own buffer.
 */
public final class Exposition {
  private final TextRenderer text;
  private final SnapshotConverter converter;

  /** Loads the library's protobuf classes with the first scrape that wants them, not at start. */
  private static final class Official {
    static final OpenMetricsTextFormatWriter OPENMETRICS = OpenMetricsTextFormatWriter.create();
  }

  /**
   * @param classicHistograms whether histograms also have their classic buckets
   */
  public Exposition(boolean classicHistograms) {
    this.text = new TextRenderer(classicHistograms);
    this.converter = new SnapshotConverter(classicHistograms);
  }

  /** Appends the page in {@code format}. */
  public void render(Snapshot snapshot, Format format, Bytes out) throws IOException {
    switch (format) {
      case TEXT -> text.render(snapshot, out);
      case OPENMETRICS -> openMetrics(snapshot, out.stream());
      case PROTOBUF -> new ProtobufRenderer(converter).render(snapshot, out.stream());
    }
  }

  /** Appends {@code plain} compressed at level 1: the others cost more CPU than they save. */
  public static void gzip(Bytes plain, Bytes out) throws IOException {
    try (GZIPOutputStream gzip = new FastGzip(out.stream())) {
      gzip.write(plain.array(), 0, plain.length());
    }
  }

  private void openMetrics(Snapshot snapshot, OutputStream out) throws IOException {
    List<MetricSnapshot> converted = new ArrayList<>(snapshot.families().size());
    for (Family family : snapshot.families()) {
      if (family.size() > 0) {
        converted.add(converter.convert(family));
      }
    }
    Official.OPENMETRICS.write(out, new MetricSnapshots(converted), EscapingScheme.ALLOW_UTF8);
  }

  private static final class FastGzip extends GZIPOutputStream {
    FastGzip(OutputStream out) throws IOException {
      super(out, 1 << 14);
      def.setLevel(Deflater.BEST_SPEED);
    }
  }
}
