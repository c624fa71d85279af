package dev.sonde.agent.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sonde.exporter.model.Family;
import dev.sonde.exporter.model.Histogram;
import dev.sonde.exporter.model.Metric;
import dev.sonde.exporter.model.Snapshot;
import dev.sonde.exporter.model.Workload;
import java.time.Instant;
import java.util.Set;
import org.junit.jupiter.api.Test;

class SnapshotAssemblyTest {
  private static final Metric BYTES = Metric.counter("test_bytes_total", "Bytes.");
  private static final Metric WAITS = Metric.histogram("test_wait_seconds", "Waits.", 0);
  private static final Workload POD = new Workload("shop", "cart-0", "app", "");
  private static final Instant AT = Instant.ofEpochSecond(1_700_000_000);

  private final SeriesTable table = new SeriesTable("node-1", SeriesLimits.NONE);

  private SnapshotAssembly next(long sequence) {
    return new SnapshotAssembly(table, sequence, AT.plusSeconds(sequence));
  }

  private static Histogram histogram(long zero, long first, long second, double sum) {
    return new Histogram(Histogram.upperBound(-1), zero, 0, new long[] {first, second}, 0, sum);
  }

  private static Family.Scalars scalars(Snapshot s, int family) {
    return (Family.Scalars) s.families().get(family);
  }

  @Test
  void twoValuesOfOneSeriesAddUp() {
    SnapshotAssembly out = next(1);
    out.add(BYTES, POD, 40);
    out.add(BYTES, Workload.OTHER, 1);
    out.add(BYTES, POD, 2);
    out.add(WAITS, POD, histogram(1, 2, 3, 0.5));
    out.add(WAITS, POD, histogram(10, 20, 30, 0.25));
    Snapshot made = out.finish(Set.of());
    Family.Scalars bytes = scalars(made, 0);
    assertThat(bytes.size()).isEqualTo(2);
    assertThat(bytes.value(0)).isEqualTo(42);
    assertThat(bytes.value(1)).isEqualTo(1);
    Histogram waits = ((Family.Histograms) made.families().get(1)).value(0);
    assertThat(waits.zeroCount()).isEqualTo(11);
    assertThat(waits.bucket(0)).isEqualTo(22);
    assertThat(waits.bucket(1)).isEqualTo(33);
    assertThat(waits.sum()).isEqualTo(0.75);
    assertThat(made.size()).isEqualTo(3);
  }

  @Test
  void histogramsOfOtherShapesAreRefused() {
    SnapshotAssembly out = next(1);
    out.add(WAITS, POD, histogram(1, 2, 3, 0.5));
    Histogram other = new Histogram(Histogram.upperBound(0), 0, 1, new long[] {1}, 0, 1);
    assertThatThrownBy(() -> out.add(WAITS, POD, other))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("other buckets");
  }

  @Test
  void keepsASeriesObjectFromSnapshotToSnapshot() {
    SnapshotAssembly first = next(1);
    first.add(BYTES, POD, 1, "type", "fast");
    first.addOwn(BYTES, 1);
    Snapshot one = first.finish(Set.of());
    SnapshotAssembly second = next(2);
    second.addOwn(BYTES, 2); // another order: identity does not depend on it
    second.add(BYTES, POD, 2, "type", "fast");
    Snapshot two = second.finish(Set.of());
    assertThat(scalars(two, 0).series(1)).isSameAs(scalars(one, 0).series(0));
    assertThat(scalars(two, 0).series(0)).isSameAs(scalars(one, 0).series(1));
    assertThat(scalars(one, 0).value(0)).as("what was published stays").isEqualTo(1);
    assertThat(two.sequence()).isEqualTo(2);
    assertThat(two.at()).isEqualTo(AT.plusSeconds(2));
  }

  @Test
  void whatIsNotMentionedHasEnded() {
    SnapshotAssembly first = next(1);
    first.add(BYTES, POD, 1);
    first.add(BYTES, Workload.OTHER, 1);
    Snapshot one = first.finish(Set.of());
    SnapshotAssembly second = next(2);
    second.add(BYTES, Workload.OTHER, 2);
    Snapshot two = second.finish(Set.of());
    assertThat(scalars(two, 0).size()).isEqualTo(1);
    assertThat(scalars(two, 0).series(0)).isSameAs(scalars(one, 0).series(1));
  }

  @Test
  void columnsGrow() {
    SnapshotAssembly out = next(1);
    for (int i = 0; i < 1000; i++) {
      out.add(BYTES, Workload.unit("unit-" + i), i);
    }
    Family.Scalars bytes = scalars(out.finish(Set.of()), 0);
    assertThat(bytes.size()).isEqualTo(1000);
    for (int i = 0; i < 1000; i++) {
      assertThat(bytes.series(i).labels().get("unit")).isEqualTo("unit-" + i);
      assertThat(bytes.value(i)).isEqualTo(i);
    }
  }
}
