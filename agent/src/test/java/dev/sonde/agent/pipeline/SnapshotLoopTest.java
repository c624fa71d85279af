package dev.sonde.agent.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sonde.exporter.model.Family;
import dev.sonde.exporter.model.Metric;
import dev.sonde.exporter.model.Series;
import dev.sonde.exporter.model.Snapshot;
import dev.sonde.exporter.model.Workload;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class SnapshotLoopTest {
  private static final Metric GOOD = Metric.counter("test_good_total", "Good.");
  private static final Metric BAD = Metric.counter("test_bad_total", "Bad.");
  private static final Workload POD = new Workload("shop", "cart-0", "app", "");
  private static final Duration SHORT = Duration.ofMillis(5);

  private final List<Snapshot> made = new CopyOnWriteArrayList<>();

  private Snapshot awaitSnapshots(int count) {
    await().atMost(Duration.ofSeconds(30)).until(() -> made.size() >= count);
    return made.get(count - 1);
  }

  private static boolean has(Snapshot snapshot, Metric metric) {
    return snapshot.families().stream().anyMatch(f -> f.metric().equals(metric));
  }

  private static Series series(Snapshot snapshot, Metric metric) {
    for (Family f : snapshot.families()) {
      if (f.metric().equals(metric)) {
        return f.series(0);
      }
    }
    throw new AssertionError("no " + metric.name());
  }

  @Test
  void countsUpAndKeepsSeries() {
    Source source = out -> out.add(GOOD, POD, 1);
    try (SnapshotLoop loop =
        new SnapshotLoop("node-1", SeriesLimits.NONE, List.of(source), SHORT, made::add)) {
      assertThat(loop.latest()).isNull();
      loop.start();
      loop.awaitFirst();
      assertThat(loop.latest()).isNotNull();
      awaitSnapshots(3);
    }
    assertThat(made)
        .extracting(Snapshot::sequence)
        .containsExactlyElementsOf(
            IntStream.rangeClosed(1, made.size()).mapToObj(i -> (long) i).toList());
    assertThat(series(made.get(2), GOOD)).isSameAs(series(made.getFirst(), GOOD));
  }

  @Test
  void aFailingSourceCostsOnlyItsOwnSeries() {
    AtomicInteger calls = new AtomicInteger();
    Source failing =
        out -> {
          if (calls.incrementAndGet() == 2) {
            throw new IllegalStateException("on purpose");
          }
          out.add(BAD, POD, calls.get());
        };
    Source good = out -> out.add(GOOD, POD, 1);
    try (SnapshotLoop loop =
        new SnapshotLoop("node-1", SeriesLimits.NONE, List.of(failing, good), SHORT, made::add)) {
      loop.start();
      awaitSnapshots(3);
    }
    assertThat(made.get(0)).matches(s -> has(s, GOOD) && has(s, BAD));
    assertThat(made.get(1)).matches(s -> has(s, GOOD) && !has(s, BAD));
    assertThat(made.get(2)).matches(s -> has(s, GOOD) && has(s, BAD));
    assertThat(series(made.get(2), GOOD)).isSameAs(series(made.get(0), GOOD));
    assertThat(series(made.get(2), BAD))
        .as("its counters go on where they were")
        .isSameAs(series(made.get(0), BAD));
  }

  @Test
  void theFirstSnapshotGoesWithoutALaterSource() {
    Source later = new LaterSource(out -> out.add(BAD, POD, 1));
    Source good = out -> out.add(GOOD, POD, 1);
    try (SnapshotLoop loop =
        new SnapshotLoop("node-1", SeriesLimits.NONE, List.of(later, good), SHORT, made::add)) {
      loop.start();
      awaitSnapshots(3);
    }
    assertThat(made.get(0)).matches(s -> has(s, GOOD) && !has(s, BAD));
    assertThat(made.get(1)).matches(s -> has(s, GOOD) && has(s, BAD));
    assertThat(made.get(2)).matches(s -> has(s, GOOD) && has(s, BAD));
  }

  @Test
  void latestIsTheOneTheObserverWasToldOf() {
    try (SnapshotLoop loop =
        new SnapshotLoop("node-1", SeriesLimits.NONE, List.of(), SHORT, made::add)) {
      loop.start();
      awaitSnapshots(2);
      assertThat(Objects.requireNonNull(loop.latest()).sequence()).isGreaterThanOrEqualTo(2);
    }
    int end = made.size();
    assertThat(made).as("closed: no more").hasSize(end);
  }

  @Test
  void closingBeforeTheFirstSnapshotLetsWaitersGo() {
    SnapshotLoop loop =
        new SnapshotLoop("node-1", SeriesLimits.NONE, List.of(), Duration.ofHours(1), made::add);
    loop.close();
    loop.awaitFirst();
    assertThat(loop.latest()).isNull();
  }
}
