// SPDX-License-Identifier: Apache-2.0

import dev.sonde.exporter.http.HttpConfig;
import dev.sonde.exporter.http.OneNioFrontend;
import dev.sonde.exporter.model.Family;
import dev.sonde.exporter.model.Histogram;
import dev.sonde.exporter.model.Labels;
import dev.sonde.exporter.model.Metric;
import dev.sonde.exporter.model.Readiness;
import dev.sonde.exporter.model.Series;
import dev.sonde.exporter.model.Snapshot;
import dev.sonde.exporter.model.Workload;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/** Serves the same series as peer/main.go, through the exporter as the agent uses it. */
public final class ScrapeServer {
  private static final int LINES_PER_HISTOGRAM = 13;

  private ScrapeServer() {}

  public static void main(String[] args) throws Exception {
    int lines = Integer.parseInt(args[1]);
    List<Family> families = new ArrayList<>();
    int counters = lines;
    if (args[0].equals("mixed")) {
      int histograms = lines / 2 / LINES_PER_HISTOGRAM;
      counters = lines - histograms * LINES_PER_HISTOGRAM;
      families.add(histograms(histograms));
    }
    for (int first = 0; first < counters; first += 1000) {
      families.add(counters(first, Math.min(first + 1000, counters)));
    }
    Snapshot snapshot = new Snapshot(1, Instant.now(), families);
    OneNioFrontend http =
        OneNioFrontend.start(
            HttpConfig.listen("127.0.0.1", 0), () -> snapshot, Readiness.Ready::new);
    System.out.println("http://127.0.0.1:" + http.address().getPort() + "/metrics");
    Thread.currentThread().join();
  }

  private static Family counters(int from, int to) {
    Metric metric =
        Metric.counter(
            "sonde_bench_" + from / 1000 + "_total", "Bytes that send calls accepted.");
    Series[] series = new Series[to - from];
    double[] values = new double[to - from];
    for (int i = from; i < to; i++) {
      series[i - from] = new Series(metric, labels(i % 1000), 0);
      values[i - from] = i % 2 == 1 ? i * 1000003.0 / 1e9 : i * 1000003.0;
    }
    return new Family.Scalars(metric, series, values);
  }

  private static Family histograms(int n) {
    Metric metric =
        Metric.histogram(
            "sonde_sched_run_queue_seconds",
            "Runnable to running.",
            -68, -60, -52, -44, -36, -28, -20, -12, -4, 4);
    Series[] series = new Series[n];
    Histogram[] values = new Histogram[n];
    for (int i = 0; i < n; i++) {
      series[i] = new Series(metric, labels(i), 0);
      long[] counts = new long[93];
      for (int j = 0; j < 20; j++) {
        counts[(j * (i % 7 + 1)) % counts.length]++;
      }
      values[i] = new Histogram(Histogram.upperBound(-81), 0, -80, counts, 0, i / 65536.0);
    }
    return new Family.Histograms(metric, series, values);
  }

  private static Labels labels(int pod) {
    return Labels.of(
        "worker-1",
        new Workload("shop", "checkout-7d9f8b6c5-%05d".formatted(pod), "app", ""));
  }
}
