package dev.sonde.agent.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import dev.sonde.exporter.model.Family;
import dev.sonde.exporter.model.Metric;
import dev.sonde.exporter.model.Series;
import dev.sonde.exporter.model.Snapshot;
import dev.sonde.exporter.model.Workload;
import java.lang.management.ManagementFactory;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Which series are the same, and when one ends. */
class SeriesTableTest {
  private static final Metric BYTES = Metric.counter("test_bytes_total", "Bytes.");
  private static final Metric RUNS = Metric.counter("test_runs_total", "Runs.");
  private static final Workload POD = new Workload("shop", "cart-0", "app", "");

  private final SeriesTable table = new SeriesTable("node-1", SeriesLimits.NONE);
  private long sequence;

  private SnapshotAssembly next() {
    sequence++;
    return new SnapshotAssembly(table, sequence, Instant.ofEpochMilli(1000 * sequence));
  }

  private static Series only(Snapshot snapshot, Metric metric) {
    List<Family> found =
        snapshot.families().stream().filter(f -> f.metric().equals(metric)).toList();
    assertThat(found).hasSize(1);
    assertThat(found.getFirst().size()).isEqualTo(1);
    return found.getFirst().series(0);
  }

  private Series mention(Workload owner, String... more) {
    SnapshotAssembly out = next();
    out.add(BYTES, owner, 1, more);
    return only(out.finish(Set.of()), BYTES);
  }

  @Test
  void theSameSeriesIsTheSameObject() {
    Series first = mention(POD, "type", "fast");
    Series again = mention(new Workload("shop", "cart-0", "app", ""), "type", "fast");
    assertThat(again).isSameAs(first);
    assertThat(first.createdMillis()).isEqualTo(1000);
  }

  /** The later of two pods of one name, too: its labels are the same. */
  @Test
  void ownerAndLabelsTellSeriesApart() {
    SnapshotAssembly out = next();
    out.add(BYTES, POD, 1, "type", "fast");
    out.add(BYTES, POD, 2, "type", "syn");
    out.add(BYTES, Workload.OTHER, 3, "type", "fast");
    out.add(BYTES, new Workload("shop", "cart-0", "app", "", "uid"), 4, "type", "fast");
    out.add(RUNS, POD, 5, "type", "fast");
    out.addOwn(BYTES, 6, "type", "fast");
    Snapshot made = out.finish(Set.of());
    Family.Scalars bytes = (Family.Scalars) made.families().getFirst();
    assertThat(bytes.size()).isEqualTo(5);
    assertThat(made.families()).hasSize(2);
    assertThat(bytes.value(3)).isEqualTo(4);
  }

  @Test
  void aWorkloadsSeriesHasAllItsLabelsAndAnOwnOneOnlyItsNode() {
    assertThat(mention(POD, "type", "fast").labels().names())
        .containsExactly("node", "namespace", "pod", "container", "unit", "type");
    SnapshotAssembly out = next();
    out.addOwn(RUNS, 1, "probe", "tcp");
    Series own = only(out.finish(Set.of()), RUNS);
    assertThat(own.labels().names()).containsExactly("node", "probe");
    assertThat(own.labels().get("node")).isEqualTo("node-1");
  }

  @Test
  void aSeriesThatEndedComesBackAsANewOne() {
    Series ended = mention(POD);
    SnapshotAssembly without = next();
    without.add(RUNS, POD, 1);
    without.finish(Set.of());
    Series again = mention(POD);
    assertThat(again).isNotSameAs(ended);
    assertThat(again.createdMillis()).isEqualTo(3000);
  }

  /** Its counters go on where they were: they did not begin anew. */
  @Test
  void aSeriesWhoseSourceFailedHasNotEnded() {
    Source good = _ -> {};
    Source bad = _ -> {};
    SnapshotAssembly first = next();
    table.from(bad);
    first.add(BYTES, POD, 7);
    table.from(good);
    first.add(RUNS, POD, 1);
    Snapshot one = first.finish(Set.of());
    Snapshot without = next().finish(Set.of(bad));
    assertThat(without.families()).isEmpty();
    SnapshotAssembly third = next();
    third.add(BYTES, POD, 8);
    third.add(RUNS, POD, 2);
    Snapshot three = third.finish(Set.of());
    assertThat(only(three, BYTES)).isSameAs(only(one, BYTES));
    assertThat(only(three, RUNS)).as("its source said that it ended").isNotSameAs(only(one, RUNS));
  }

  /** One object for the table, not one for each series that is found again. */
  @Test
  void findingASeriesAgainAllocatesNothing() {
    String[] more = {"type", "fast"};
    Workload[] owners = new Workload[200];
    for (int i = 0; i < owners.length; i++) {
      owners[i] = Workload.unit("unit-" + i);
    }
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long bytes = 0;
    for (int n = 0; n < 50; n++) {
      SnapshotAssembly out = next();
      long before = threads.getCurrentThreadAllocatedBytes();
      for (Workload owner : owners) {
        out.add(BYTES, owner, 1, more);
      }
      bytes = threads.getCurrentThreadAllocatedBytes() - before;
      out.finish(Set.of());
    }
    assertThat(bytes).as("bytes for 200 series").isLessThan(1000);
  }
}
