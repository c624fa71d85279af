package dev.sonde.exporter.prometheus;

import dev.sonde.exporter.model.Family;
import dev.sonde.exporter.model.Histogram;
import dev.sonde.exporter.model.Labels;
import dev.sonde.exporter.model.Metric;
import dev.sonde.exporter.model.Series;
import dev.sonde.exporter.model.Snapshot;
import dev.sonde.exporter.model.Workload;
import java.time.Instant;
import java.util.List;

/** Snapshots to render: everyday ones and hostile ones. */
public final class Samples {
  public static final long CREATED = 1_790_000_000_123L;
  public static final Metric SENT =
      Metric.counter("sonde_tcp_sent_bytes_total", "Bytes that send calls accepted.");
  public static final Metric WAIT =
      Metric.histogram(
          "sonde_sched_run_queue_seconds", "Runnable to running.", -60, -40, -27, -13, 0, 8);
  public static final Metric UP = Metric.gauge("sonde_probe_up", "1 if the probe counts.");
  public static final Metric BUILD = Metric.gauge("sonde_build_info", "Always 1.");

  private static final List<String> HOSTILE =
      List.of(
          "",
          "plain",
          "quote\" and } brace",
          "back\\slash\\n",
          "line\nfeed\r\ttab",
          "nul\0bell\u0007del\u007f",
          "ünïcødé 漢字 🦀",
          "# HELP x\n# TYPE y",
          "trailing\\",
          "a=\"b\",c=\"d\"");

  private static final double[] NUMBERS = {
    0,
    -0.0,
    1,
    -1,
    0.1,
    1e-9,
    123456789.125,
    9007199254740991.0,
    9007199254740992.0,
    1e22,
    -1.5e300,
    Double.MAX_VALUE,
    Double.MIN_VALUE,
    Double.NaN,
    Double.POSITIVE_INFINITY,
    Double.NEGATIVE_INFINITY,
    1.0 / 3,
    Math.PI * 1e15
  };

  private Samples() {}

  /** Every awkward label value and number. */
  public static Snapshot hostile() {
    int n = HOSTILE.size();
    Series[] counters = new Series[n];
    double[] totals = new double[n];
    Series[] waits = new Series[n];
    Histogram[] histograms = new Histogram[n];
    for (int i = 0; i < n; i++) {
      Workload owner = new Workload(HOSTILE.get(i), "pod-" + i, "", "");
      counters[i] = new Series(SENT, Labels.of("node\u00e4", owner), CREATED + i);
      totals[i] = i * 1e11 + i / 7.0;
      waits[i] = new Series(WAIT, Labels.of("n", owner, "reason", HOSTILE.get(i)), CREATED + i);
      histograms[i] = histogram(i);
    }
    Series[] gauges = new Series[NUMBERS.length];
    for (int i = 0; i < gauges.length; i++) {
      gauges[i] = new Series(UP, Labels.of("probe", "p" + i), 0);
    }
    return new Snapshot(
        1,
        Instant.EPOCH,
        List.of(
            new Family.Scalars(SENT, counters, totals),
            new Family.Scalars(UP, gauges, NUMBERS.clone()),
            new Family.Histograms(WAIT, waits, histograms),
            new Family.Histograms(
                Metric.histogram("sonde_bare_seconds", "No \"labels\" \\ and\nno buckets."),
                new Series[] {
                  new Series(Metric.histogram("sonde_bare_seconds", ""), Labels.NONE, 1)
                },
                new Histogram[] {histogram(3)}),
            new Family.Scalars(
                BUILD, new Series[] {new Series(BUILD, Labels.NONE, 0)}, new double[] {1}),
            new Family.Scalars(
                Metric.gauge("sonde_empty", "Has no series."), new Series[0], new double[0])));
  }

  /** A histogram from 2^(-80/4) s on, with gaps, a zero bucket and an overflow. */
  public static Histogram histogram(int seed) {
    long[] counts = new long[93];
    for (int i = seed % 5; i < counts.length; i += 1 + seed % 7) {
      counts[i] = (long) i + seed;
    }
    return new Histogram(
        Histogram.upperBound(-81), seed, -80, counts, 2L * seed, 0.125 * seed + 1e-9);
  }

  /** {@code series} counters of as many pods, as an agent has them. */
  public static Snapshot counters(int series) {
    Series[] all = new Series[series];
    double[] values = new double[series];
    for (int i = 0; i < series; i++) {
      Workload owner = new Workload("shop", "checkout-7d9f8b6c5-" + i, "app", "");
      all[i] = new Series(SENT, Labels.of("worker-1", owner), CREATED);
      values[i] = i % 2 == 0 ? i * 1000003L : i * 1000003L / 1e9;
    }
    return new Snapshot(1, Instant.EPOCH, List.of(new Family.Scalars(SENT, all, values)));
  }
}
