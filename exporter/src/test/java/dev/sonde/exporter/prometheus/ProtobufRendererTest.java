package dev.sonde.exporter.prometheus;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sonde.exporter.model.Family;
import dev.sonde.exporter.model.Histogram;
import dev.sonde.exporter.model.Labels;
import dev.sonde.exporter.model.Series;
import dev.sonde.exporter.model.Snapshot;
import io.prometheus.metrics.expositionformats.generated.com_google_protobuf_4_36_1.Metrics;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class ProtobufRendererTest {
  @Test
  void nativeHistogramsReadBackBucketByBucket() throws IOException {
    Snapshot snapshot = Samples.hostile();
    Family.Histograms ours = (Family.Histograms) snapshot.families().get(2);

    Metrics.MetricFamily family = family(snapshot, true, Samples.WAIT.name());

    assertThat(family.getMetricCount()).isEqualTo(ours.size());
    Map<Map<String, String>, Integer> byLabels = new HashMap<>();
    for (int i = 0; i < ours.size(); i++) {
      byLabels.put(labels(ours.series(i).labels()), i);
    }
    for (Metrics.Metric metric : family.getMetricList()) {
      int i = byLabels.getOrDefault(labels(metric), -1);
      same(metric.getHistogram(), ours.value(i));
      assertThat(millis(metric.getHistogram().getCreatedTimestamp()))
          .isEqualTo(ours.series(i).createdMillis());
    }
  }

  private static void same(Metrics.Histogram got, Histogram want) {
    assertThat(got.getSchema()).isEqualTo(2);
    assertThat(got.getZeroThreshold()).isEqualTo(want.zeroThreshold());
    assertThat(got.getZeroCount()).isEqualTo(want.zeroCount());
    assertThat(got.getSampleCount()).isEqualTo(want.count());
    assertThat(got.getSampleSum()).isEqualTo(want.sum());
    Map<Integer, Long> expected = new TreeMap<>();
    for (int b = 0; b < want.buckets(); b++) {
      if (want.bucket(b) != 0) {
        expected.put(want.firstIndex() + b, want.bucket(b));
      }
    }
    if (want.overflow() != 0) {
      expected.put(SnapshotConverter.INFINITE_BUCKET, want.overflow());
    }
    Map<Integer, Long> buckets = buckets(got);
    buckets.values().removeIf(n -> n == 0);
    assertThat(buckets).isEqualTo(expected);
    long sum = buckets.values().stream().mapToLong(Long::longValue).sum();
    assertThat(sum + got.getZeroCount()).isEqualTo(got.getSampleCount());
    for (int b = 0; b < got.getBucketCount() - 1; b++) {
      int index = Samples.WAIT.classicBuckets().get(b);
      assertThat(got.getBucket(b).getUpperBound()).isEqualTo(Histogram.upperBound(index));
      assertThat(got.getBucket(b).getCumulativeCount()).isEqualTo(want.cumulative(index));
    }
    assertThat(got.getBucketCount()).isEqualTo(Samples.WAIT.classicBuckets().size() + 1);
    assertThat(got.getBucketList().getLast().getCumulativeCount()).isEqualTo(want.count());
  }

  @Test
  void theInfiniteBucketIsOnePastTheGreatestDouble() {
    int greatest = SnapshotConverter.INFINITE_BUCKET - 1;
    assertThat(Histogram.upperBound(greatest - 1)).isFinite();
    assertThat(Histogram.upperBound(greatest)).isInfinite(); // 2^1024: holds Double.MAX_VALUE
    assertThat(Double.MAX_VALUE).isGreaterThan(Histogram.upperBound(greatest - 1));
  }

  @Test
  void countersAndGauges() throws IOException {
    Map<String, Metrics.MetricFamily> families = families(Samples.hostile(), true);

    Metrics.MetricFamily sent = family(Samples.hostile(), true, Samples.SENT.name());
    assertThat(sent.getType()).isEqualTo(Metrics.MetricType.COUNTER);
    assertThat(sent.getMetricList())
        .extracting(m -> millis(m.getCounter().getCreatedTimestamp()))
        .contains(Samples.CREATED, Samples.CREATED + 9);
    assertThat(sent.getMetricList())
        .extracting(m -> labels(m).get("namespace"))
        .contains("quote\" and } brace", "line\nfeed\r\ttab", "ünïcødé 漢字 🦀");
    assertThat(family(Samples.hostile(), true, Samples.UP.name()).getMetricList())
        .extracting(m -> m.getGauge().getValue())
        .contains(Double.NaN, Double.NEGATIVE_INFINITY, Double.MIN_VALUE);
    assertThat(families).containsKey("sonde_build_info").doesNotContainKey("sonde_empty");
  }

  @Test
  void withoutClassicBucketsOnlyInfinityRemains() throws IOException {
    Metrics.MetricFamily family = family(Samples.hostile(), false, Samples.WAIT.name());

    for (Metrics.Metric m : family.getMetricList()) {
      assertThat(m.getHistogram().getBucketList())
          .singleElement()
          .satisfies(b -> assertThat(b.getUpperBound()).isInfinite());
      assertThat(m.getHistogram().getPositiveSpanCount()).isPositive();
    }
  }

  @Test
  void anEmptyHistogramIsStillNative() throws IOException {
    Histogram empty = new Histogram(1e-6, 0, -79, new long[93], 0, 0);
    Series series = new Series(Samples.WAIT, Labels.NONE, 5);
    Snapshot snapshot =
        new Snapshot(
            1,
            Instant.EPOCH,
            List.of(
                new Family.Histograms(
                    Samples.WAIT, new Series[] {series}, new Histogram[] {empty})));

    Metrics.Histogram got = family(snapshot, true, Samples.WAIT.name()).getMetric(0).getHistogram();

    assertThat(got.hasSchema()).isTrue();
    assertThat(got.getZeroThreshold()).isEqualTo(1e-6);
    assertThat(got.getSampleCount()).isZero();
  }

  private static Map<String, Metrics.MetricFamily> families(Snapshot snapshot, boolean classic)
      throws IOException {
    Bytes out = new Bytes(16);
    new Exposition(classic).render(snapshot, Format.PROTOBUF, out);
    ByteArrayInputStream in = new ByteArrayInputStream(out.array(), 0, out.length());
    Map<String, Metrics.MetricFamily> families = new HashMap<>();
    while (in.available() > 0) {
      Metrics.MetricFamily family = Metrics.MetricFamily.parseDelimitedFrom(in);
      families.put(family.getName(), family);
    }
    return families;
  }

  private static Metrics.MetricFamily family(Snapshot snapshot, boolean classic, String name)
      throws IOException {
    return Objects.requireNonNull(families(snapshot, classic).get(name), name);
  }

  private static Map<Integer, Long> buckets(Metrics.Histogram h) {
    Map<Integer, Long> buckets = new TreeMap<>();
    int index = 0;
    int delta = 0;
    long count = 0;
    for (Metrics.BucketSpan span : h.getPositiveSpanList()) {
      index += span.getOffset();
      for (int i = 0; i < span.getLength(); i++) {
        count += h.getPositiveDelta(delta++);
        buckets.put(index++, count);
      }
    }
    return buckets;
  }

  private static Map<String, String> labels(Labels labels) {
    Map<String, String> map = new TreeMap<>();
    for (int i = 0; i < labels.size(); i++) {
      map.put(labels.names().get(i), labels.values().get(i));
    }
    return map;
  }

  private static Map<String, String> labels(Metrics.Metric metric) {
    Map<String, String> map = new TreeMap<>();
    metric.getLabelList().forEach(l -> map.put(l.getName(), l.getValue()));
    return map;
  }

  private static long millis(
      io.prometheus.metrics.shaded.com_google_protobuf_4_36_1.Timestamp created) {
    return created.getSeconds() * 1000 + created.getNanos() / 1_000_000;
  }
}
