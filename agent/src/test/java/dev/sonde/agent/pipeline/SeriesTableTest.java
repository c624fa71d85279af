package dev.sonde.agent.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sonde.exporter.model.Metric;
import dev.sonde.exporter.model.Series;
import dev.sonde.exporter.model.Workload;
import org.junit.jupiter.api.Test;

class SeriesTableTest {
  private static final Metric BYTES = Metric.counter("test_bytes_total", "Bytes.");
  private static final Metric RUNS = Metric.counter("test_runs_total", "Runs.");
  private static final Workload POD = new Workload("shop", "cart-0", "app", "");
  private static final String[] NONE = {};

  private final SeriesTable table = new SeriesTable("node-1");

  @Test
  void theSameSeriesIsTheSameObject() {
    Series first = table.get(BYTES, POD, NONE, 1, 1000);
    Workload equal = new Workload("shop", "cart-0", "app", "");
    assertThat(table.get(BYTES, equal, NONE, 2, 2000)).isSameAs(first);
    assertThat(first.createdMillis()).isEqualTo(1000);
  }

  @Test
  void metricOwnerAndLabelsTellSeriesApart() {
    Series one = table.get(BYTES, POD, new String[] {"type", "fast"}, 1, 0);
    assertThat(table.get(BYTES, POD, new String[] {"type", "syn"}, 1, 0)).isNotSameAs(one);
    assertThat(table.get(RUNS, POD, new String[] {"type", "fast"}, 1, 0)).isNotSameAs(one);
    assertThat(table.get(BYTES, Workload.OTHER, new String[] {"type", "fast"}, 1, 0))
        .isNotSameAs(one);
    assertThat(table.get(BYTES, null, new String[] {"type", "fast"}, 1, 0)).isNotSameAs(one);
  }

  @Test
  void aWorkloadsSeriesHasAllItsLabelsAndAnOwnOneOnlyItsNode() {
    assertThat(table.get(BYTES, POD, new String[] {"type", "fast"}, 1, 0).labels().names())
        .containsExactly("node", "namespace", "pod", "container", "unit", "type");
    Series own = table.get(RUNS, null, new String[] {"probe", "tcp"}, 1, 0);
    assertThat(own.labels().names()).containsExactly("node", "probe");
    assertThat(own.labels().get("node")).isEqualTo("node-1");
  }

  @Test
  void aSeriesThatEndedComesBackAsANewOne() {
    Series kept = table.get(RUNS, POD, NONE, 1, 1000);
    Series ended = table.get(BYTES, POD, NONE, 1, 1000);
    table.get(RUNS, POD, NONE, 2, 2000);
    table.endOthers(2);
    assertThat(table.get(RUNS, POD, NONE, 3, 3000)).isSameAs(kept);
    Series again = table.get(BYTES, POD, NONE, 3, 3000);
    assertThat(again).isNotSameAs(ended);
    assertThat(again.createdMillis()).isEqualTo(3000);
  }
}
