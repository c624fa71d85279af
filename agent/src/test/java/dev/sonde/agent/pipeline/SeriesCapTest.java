package dev.sonde.agent.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.sonde.exporter.model.Family;
import dev.sonde.exporter.model.Histogram;
import dev.sonde.exporter.model.Metric;
import dev.sonde.exporter.model.Series;
import dev.sonde.exporter.model.Snapshot;
import dev.sonde.exporter.model.Workload;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

/** What exceeds the cap goes into {@code ~other}, and stays there. */
class SeriesCapTest {
  private static final Metric BYTES = Metric.counter("test_bytes_total", "Bytes.");
  private static final Metric OPEN = Metric.gauge("test_open", "Open.");
  private static final Metric WAITS = Metric.histogram("test_wait_seconds", "Waits.", 0);
  private static final String OTHER = "~other";

  private SeriesTable table = new SeriesTable("n", new SeriesLimits(2, 100));
  private long sequence;
  private Snapshot last = new Snapshot(0, Instant.EPOCH, List.of());

  /** What a source says in one snapshot. */
  private interface Says {
    void to(SnapshotBuilder out);

    default Says and(Says more) {
      return out -> {
        to(out);
        more.to(out);
      };
    }
  }

  private void snapshot(Says source) {
    sequence++;
    SnapshotAssembly out =
        new SnapshotAssembly(table, sequence, Instant.ofEpochMilli(1000 * sequence));
    source.to(out);
    out.addCounts();
    last = out.finish(Set.of());
  }

  private static Workload unit(int i) {
    return Workload.unit("u" + i);
  }

  /** Unit, and the values of further labels, to value. */
  private Map<String, Double> values(Metric metric) {
    Map<String, Double> values = new LinkedHashMap<>();
    for (Family f : last.families()) {
      for (int i = 0; f.metric().equals(metric) && i < f.size(); i++) {
        Series s = f.series(i);
        if (s.labels().size() < 5) {
          continue; // the agent's own
        }
        String key = String.join(" ", s.labels().values().subList(4, s.labels().size()));
        double value =
            switch (f) {
              case Family.Scalars scalars -> scalars.value(i);
              case Family.Histograms histograms -> histograms.value(i).count();
            };
        assertThat(values.put(key, value)).as("one series with labels %s", key).isNull();
      }
    }
    return values;
  }

  private double own(String metric, Metric of) {
    for (Family f : last.families()) {
      for (int i = 0; f.metric().name().equals(metric) && i < f.size(); i++) {
        if (f.series(i).labels().get("metric").equals(of.name())) {
          return ((Family.Scalars) f).value(i);
        }
      }
    }
    return Double.NaN;
  }

  @Test
  void theFirstHaveSeriesAndTheRestIsInOther() {
    snapshot(
        out -> {
          for (int i = 0; i < 5; i++) {
            out.add(BYTES, unit(i), 10 + i);
          }
        });
    assertThat(values(BYTES)).isEqualTo(Map.of("u0", 10.0, "u1", 11.0, OTHER, 12.0 + 13 + 14));
    assertThat(own("sonde_series_dropped_total", BYTES)).isEqualTo(3);
    assertThat(own("sonde_series", BYTES)).isEqualTo(3);
  }

  @Test
  void whereThereIsRoomNothingIsDroppedAndThatIsSaid() {
    snapshot(out -> out.add(BYTES, unit(0), 1));
    assertThat(own("sonde_series_dropped_total", BYTES)).isZero();
    assertThat(own("sonde_series_dropped_total", OPEN)).isNaN();
  }

  @Test
  void whoIsInOtherStaysThereAndOtherNeverFalls() {
    snapshot(
        out -> {
          out.add(BYTES, unit(0), 1);
          out.add(BYTES, unit(1), 1);
          out.add(BYTES, unit(2), 5);
        });
    assertThat(values(BYTES)).containsEntry(OTHER, 5.0);
    // The first ends: there is room from then on, which only a newcomer takes.
    snapshot(
        out -> {
          out.add(BYTES, unit(1), 1);
          out.add(BYTES, unit(2), 5);
        });
    assertThat(values(BYTES)).isEqualTo(Map.of("u1", 1.0, OTHER, 5.0));
    snapshot(
        out -> {
          out.add(BYTES, unit(1), 2);
          out.add(BYTES, unit(2), 6);
          out.add(BYTES, unit(3), 100);
        });
    assertThat(values(BYTES)).isEqualTo(Map.of("u1", 2.0, "u3", 100.0, OTHER, 6.0));
    // What has no series ends, too.
    snapshot(out -> out.add(BYTES, unit(1), 3));
    assertThat(values(BYTES)).isEqualTo(Map.of("u1", 3.0, OTHER, 6.0));
    snapshot(out -> out.add(BYTES, unit(2), 50));
    assertThat(values(BYTES)).as("a new one").isEqualTo(Map.of("u2", 50.0, OTHER, 6.0));
    assertThat(own("sonde_series_dropped_total", BYTES)).isEqualTo(1);
  }

  /** The kernel has an ~other of its own, of workloads beyond --max-workloads. */
  @Test
  void thereIsOneOtherWhoeverAddsToIt() {
    for (int round = 1; round <= 3; round++) {
      int n = round;
      snapshot(
          out -> {
            out.add(BYTES, Workload.OTHER, 1000 * n);
            out.add(BYTES, unit(0), 0);
            out.add(BYTES, unit(1), 0);
            out.add(BYTES, unit(2), n);
          });
      assertThat(values(BYTES)).containsEntry(OTHER, 1001.0 * n);
    }
  }

  @Test
  void gaugesOfOtherAreThoseThatAreThere() {
    snapshot(
        out -> {
          for (int i = 0; i < 4; i++) {
            out.add(OPEN, unit(i), 10);
          }
        });
    assertThat(values(OPEN)).containsEntry(OTHER, 20.0);
    snapshot(out -> out.add(OPEN, unit(3), 7));
    assertThat(values(OPEN)).isEqualTo(Map.of(OTHER, 7.0));
    snapshot(out -> out.add(OPEN, unit(9), 1));
    assertThat(values(OPEN)).isEqualTo(Map.of("u9", 1.0));
  }

  private static Histogram waits(long a, long b, double sum) {
    return new Histogram(Histogram.upperBound(-1), 0, 0, new long[] {a, b}, 0, sum);
  }

  @Test
  void histogramsAddUpInOtherExactly() {
    snapshot(
        out -> {
          out.add(WAITS, unit(0), waits(1, 1, 1));
          out.add(WAITS, unit(1), waits(1, 1, 1));
          out.add(WAITS, unit(2), waits(2, 3, 0.5));
          out.add(WAITS, unit(3), waits(5, 7, 0.25));
        });
    assertThat(values(WAITS)).containsEntry(OTHER, 17.0);
    snapshot(out -> out.add(WAITS, unit(2), waits(3, 3, 0.75)));
    Family.Histograms waits =
        (Family.Histograms)
            last.families().stream()
                .filter(f -> f.metric().equals(WAITS))
                .findFirst()
                .orElseThrow();
    assertThat(waits.size()).isEqualTo(1);
    assertThat(waits.value(0).bucket(0)).isEqualTo(8);
    assertThat(waits.value(0).bucket(1)).isEqualTo(10);
    assertThat(waits.value(0).sum()).isEqualTo(1.0, within(1e-12));
  }

  @Test
  void kindsOfFewAreKeptApartInOther() {
    snapshot(
        out -> {
          out.add(BYTES, unit(0), 1, "type", "fast");
          out.add(BYTES, unit(0), 2, "type", "syn");
          out.add(BYTES, unit(1), 3, "type", "fast");
          out.add(BYTES, unit(1), 4, "type", "syn");
        });
    assertThat(values(BYTES))
        .isEqualTo(Map.of("u0 fast", 1.0, "u0 syn", 2.0, "~other fast", 3.0, "~other syn", 4.0));
  }

  /** Else the cap would be none: whoever has many labels would have many series in ~other. */
  @Test
  void kindsWithoutEndAreOneOther() {
    snapshot(
        out -> {
          for (int i = 0; i < 100; i++) {
            out.add(BYTES, unit(i), 1, "uid", "id-" + i);
          }
        });
    Map<String, Double> values = values(BYTES);
    assertThat(values.values().stream().mapToDouble(v -> v).sum()).isEqualTo(100);
    assertThat(values).containsEntry("~other ~other", 84.0).hasSize(2 + 14 + 1);
  }

  @Test
  void theAgentHasACapOfItsOwn() {
    table = new SeriesTable("n", new SeriesLimits(10, 3));
    snapshot(
        out -> {
          out.add(BYTES, unit(0), 1);
          out.add(BYTES, unit(1), 1);
          out.add(OPEN, unit(0), 1);
          out.add(OPEN, unit(1), 5);
          out.addOwn(OPEN, 9, "map", "x");
        });
    assertThat(values(OPEN)).containsEntry(OTHER, 5.0);
    assertThat(own("sonde_series_dropped_total", OPEN)).isEqualTo(1);
    assertThat(own("sonde_series_dropped_total", BYTES)).isZero();
  }

  /** What {@code --max-series-per-metric} said at the start may be said otherwise later. */
  @Test
  void anotherCapIsForThoseThatCome() {
    Says three =
        out -> {
          for (int i = 0; i < 3; i++) {
            out.add(BYTES, unit(i), sequence);
          }
        };
    snapshot(three);
    assertThat(values(BYTES)).containsOnlyKeys("u0", "u1", OTHER).containsEntry(OTHER, 1.0);
    table.limit(new SeriesLimits(4, 100));
    snapshot(three);
    // who is in ~other already would fall there, if it left
    assertThat(values(BYTES)).containsOnlyKeys("u0", "u1", OTHER).containsEntry(OTHER, 2.0);
    snapshot(three.and(out -> out.add(BYTES, unit(3), 7)));
    assertThat(values(BYTES)).containsEntry("u3", 7.0).containsEntry(OTHER, 3.0);
    table.limit(new SeriesLimits(1, 100));
    snapshot(three.and(out -> out.add(BYTES, unit(3), 8)).and(out -> out.add(BYTES, unit(4), 5)));
    assertThat(values(BYTES))
        .containsEntry("u0", 4.0)
        .containsEntry("u1", 4.0)
        .containsEntry("u3", 8.0)
        .containsEntry(OTHER, 9.0)
        .doesNotContainKey("u4");
  }

  /** Workloads come, count and go at random: no series ever falls, and none of it is lost. */
  @Test
  void theSumIsExactAndNoCounterFalls() {
    Random random = new Random(42);
    long[] totals = new long[12];
    long ended = 0; // with a series of their own
    long inOther = 0;
    Map<String, Double> before = Map.of();
    for (int n = 0; n < 500; n++) {
      for (int i = 0; i < totals.length; i++) {
        if (random.nextInt(20) == 0) {
          ended += before.containsKey("u" + i) ? totals[i] : 0;
          inOther += before.containsKey("u" + i) ? 0 : totals[i];
          totals[i] = 0; // gone; it may come back as a new one
        } else if (totals[i] > 0 || random.nextInt(5) == 0) {
          totals[i] += 1 + random.nextInt(9);
        }
      }
      long all = ended + inOther + LongStream.of(totals).sum();
      snapshot(
          out -> {
            for (int i = 0; i < totals.length; i++) {
              if (totals[i] > 0) {
                out.add(BYTES, unit(i), totals[i]);
              }
            }
          });
      Map<String, Double> now = values(BYTES);
      double named = 0;
      for (Map.Entry<String, Double> e : now.entrySet()) {
        if (e.getKey().equals(OTHER)) {
          assertThat(e.getValue()).isGreaterThanOrEqualTo(before.getOrDefault(OTHER, 0.0));
        } else {
          int i = Integer.parseInt(e.getKey().substring(1));
          assertThat(e.getValue()).isEqualTo(totals[i]);
          named += e.getValue();
        }
      }
      assertThat(now.getOrDefault(OTHER, 0.0) + named + ended).isEqualTo(all);
      assertThat(now.size()).isLessThanOrEqualTo(3);
      before = now;
    }
    assertThat(before.get(OTHER)).isPositive();
  }
}
