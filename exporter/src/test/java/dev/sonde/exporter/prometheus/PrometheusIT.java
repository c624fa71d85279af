package dev.sonde.exporter.prometheus;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sonde.exporter.http.HttpConfig;
import dev.sonde.exporter.http.OneNioFrontend;
import dev.sonde.exporter.model.Family;
import dev.sonde.exporter.model.Histogram;
import dev.sonde.exporter.model.Labels;
import dev.sonde.exporter.model.Readiness;
import dev.sonde.exporter.model.Series;
import dev.sonde.exporter.model.Snapshot;
import dev.sonde.exporter.model.Workload;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A real Prometheus, set up as a PodMonitor would, understands what we serve. */
class PrometheusIT {
  @TempDir Path dir;

  @Test
  void nativeHistogramsArriveUnderTheirOwnPod() throws Exception {
    long[] counts = new long[93];
    counts[10] = 3;
    counts[40] = 5;
    Histogram wait = new Histogram(Histogram.upperBound(-81), 2, -80, counts, 1, 12.5);
    Labels pod = Labels.of("worker-1", new Workload("shop", "checkout", "app", ""));
    Labels unit = Labels.of("worker-1", Workload.unit("ssh.service"));
    Series[] waits = {
      new Series(Samples.WAIT, pod, Samples.CREATED),
      new Series(Samples.WAIT, unit, Samples.CREATED)
    };
    Series[] sent = {new Series(Samples.SENT, pod, 0), new Series(Samples.SENT, unit, 0)};
    Snapshot snapshot =
        new Snapshot(
            1,
            Instant.EPOCH,
            List.of(
                new Family.Histograms(Samples.WAIT, waits, new Histogram[] {wait, wait}),
                new Family.Scalars(Samples.SENT, sent, new double[] {1234567, 7})));
    try (OneNioFrontend http =
            OneNioFrontend.start(
                HttpConfig.listen("127.0.0.1", 0), () -> snapshot, Readiness.Ready::new);
        PrometheusServer prometheus = new PrometheusServer(dir, http.address().getPort())) {
      String name = Samples.WAIT.name();
      prometheus.awaitResult("sonde_tcp_sent_bytes_total{pod=\"checkout\"}", "1234567");
      prometheus.awaitResult("histogram_count(" + name + "{pod=\"checkout\"})", "11");
      prometheus.awaitResult("histogram_sum(" + name + "{unit=\"ssh.service\"})", "12.5");
      prometheus.awaitResult(
          "histogram_fraction(0, "
              + Histogram.upperBound(-40)
              + ", "
              + name
              + "{pod=\"checkout\"})",
          String.valueOf(10.0 / 11));
      // the one beyond the last bucket is infinitely long, not lost
      prometheus.awaitResult("histogram_quantile(0.99, " + name + "{pod=\"checkout\"})", "+Inf");
      assertThat(prometheus.query("count({exported_pod!=\"\"} or {exported_namespace!=\"\"})"))
          .contains("\"result\":[]");
      assertThat(prometheus.query("count({unit=\"ssh.service\",pod!=\"\"})"))
          .contains("\"result\":[]");
      assertThat(http.stats().rejected().values()).allMatch(n -> n == 0);
    }
  }
}
