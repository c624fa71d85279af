package dev.sonde.exporter.prometheus;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sonde.exporter.model.Family;
import dev.sonde.exporter.model.Labels;
import dev.sonde.exporter.model.Series;
import dev.sonde.exporter.model.Snapshot;
import io.prometheus.metrics.config.EscapingScheme;
import io.prometheus.metrics.expositionformats.PrometheusTextFormatWriter;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TextRendererTest {
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void meansTheSameAsTheOfficialWriter(boolean classic) throws IOException {
    Snapshot snapshot = Samples.hostile();

    TextPage ours = TextPage.parse(render(snapshot, classic));
    TextPage official = TextPage.parse(official(snapshot, classic));

    assertThat(ours.headers()).isEqualTo(official.headers());
    assertThat(ours.samples()).containsExactlyInAnyOrderEntriesOf(official.samples());
    assertThat(ours.samples()).hasSizeGreaterThan(50);
  }

  @Test
  void rendersTheSameFromTheCache() {
    Snapshot snapshot = Samples.hostile();

    assertThat(render(snapshot, true)).isEqualTo(render(snapshot, true));
  }

  @Test
  void looksLikeThis() {
    Series series = new Series(Samples.SENT, Labels.of("pod", "a\"b\\c\nd"), 0);
    Snapshot snapshot =
        new Snapshot(
            1,
            Instant.EPOCH,
            List.of(new Family.Scalars(Samples.SENT, new Series[] {series}, new double[] {42.5})));

    assertThat(render(snapshot, true))
        .isEqualTo(
            """
            # HELP sonde_tcp_sent_bytes_total Bytes that send calls accepted.
            # TYPE sonde_tcp_sent_bytes_total counter
            sonde_tcp_sent_bytes_total{pod="a\\"b\\\\c\\nd"} 42.5
            """);
  }

  @Test
  void halfASurrogatePairBecomesLegalUtf8() throws IOException {
    Series series = new Series(Samples.UP, Labels.of("pod", "x\uD800y", "unit", "\uDC00"), 0);
    Snapshot snapshot =
        new Snapshot(
            1,
            Instant.EPOCH,
            List.of(new Family.Scalars(Samples.UP, new Series[] {series}, new double[] {1})));
    Bytes out = new Bytes(16);
    new TextRenderer(true).render(snapshot, out);

    String decoded =
        UTF_8.newDecoder().decode(ByteBuffer.wrap(out.array(), 0, out.length())).toString();
    assertThat(decoded).contains("pod=\"x\uFFFDy\",unit=\"\uFFFD\"");
  }

  @Test
  void allocatesNothingPerSeriesOnceItHasSeenThem() {
    Snapshot snapshot = Samples.counters(20_000);
    TextRenderer renderer = new TextRenderer(true);
    Bytes out = new Bytes(1024);
    renderer.render(snapshot, out);
    var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
    long least = Long.MAX_VALUE;
    for (int i = 0; i < 5; i++) {
      out.clear();
      long before = threads.getCurrentThreadAllocatedBytes();
      renderer.render(snapshot, out);
      least = Math.min(least, threads.getCurrentThreadAllocatedBytes() - before);
    }

    assertThat(least).isLessThan(1024);
  }

  private static String render(Snapshot snapshot, boolean classic) {
    Bytes out = new Bytes(16);
    new TextRenderer(classic).render(snapshot, out);
    return new String(out.array(), 0, out.length(), UTF_8);
  }

  private static String official(Snapshot snapshot, boolean classic) throws IOException {
    SnapshotConverter converter = new SnapshotConverter(classic);
    List<MetricSnapshot> converted = new ArrayList<>();
    for (Family family : snapshot.families()) {
      converted.add(converter.convert(family));
    }
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    PrometheusTextFormatWriter.create()
        .write(out, new MetricSnapshots(converted), EscapingScheme.ALLOW_UTF8);
    return out.toString(UTF_8);
  }
}
