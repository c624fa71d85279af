package dev.sonde.agent.usage;

import dev.sonde.agent.pipeline.SnapshotBuilder;
import dev.sonde.exporter.model.Metric;
import dev.sonde.exporter.model.Workload;

/** The metrics of this package. What the kernel does not say has no series: it is never 0. */
final class UsageMetrics {
  static final Metric USAGE =
      Metric.counter(
          "sonde_cpu_usage_seconds_total", "CPU time of the workload's cgroups, by their files.");
  static final Metric THROTTLED =
      Metric.counter(
          "sonde_cpu_throttled_seconds_total", "Time that the cgroups' CPU quota held them up.");
  static final Metric PERIODS =
      Metric.counter(
          "sonde_cpu_periods_total", "Periods of the CPU quota in which the cgroups had work.");
  static final Metric THROTTLED_PERIODS =
      Metric.counter(
          "sonde_cpu_throttled_periods_total", "Those of them in which the quota ran out.");
  static final Metric PRESSURE =
      Metric.counter(
          "sonde_pressure_seconds_total",
          "Time in which some or all of the workload's tasks waited for a resource (PSI).");
  static final Metric OPEN_FILES =
      Metric.gauge(
          "sonde_open_files",
          "Open descriptors of that process of the workload that is nearest to its limit.");
  static final Metric OPEN_FILES_LIMIT =
      Metric.gauge("sonde_open_files_limit", "The soft limit on open descriptors of that process.");

  private static final double NANOS = 1e9;

  private UsageMetrics() {}

  static void emit(SnapshotBuilder out, Workload owner, Readings totals) {
    seconds(out, USAGE, owner, totals, Field.USAGE);
    // A cgroup that never had a quota has no periods: three series of zeros would say nothing.
    if (totals.get(Field.PERIODS) > 0) {
      out.add(PERIODS, owner, totals.get(Field.PERIODS));
      out.add(THROTTLED_PERIODS, owner, totals.get(Field.THROTTLED_PERIODS));
      seconds(out, THROTTLED, owner, totals, Field.THROTTLED);
    }
    for (int r = 0; r < Pressure.RESOURCES.length; r++) {
      String resource = Pressure.RESOURCES[r];
      pressure(out, owner, totals, Pressure.some(r), resource, "some");
      pressure(out, owner, totals, Pressure.full(r), resource, "full");
    }
  }

  private static void pressure(
      SnapshotBuilder out,
      Workload owner,
      Readings totals,
      Field field,
      String resource,
      String kind) {
    seconds(out, PRESSURE, owner, totals, field, "resource", resource, "kind", kind);
  }

  private static void seconds(
      SnapshotBuilder out,
      Metric metric,
      Workload owner,
      Readings totals,
      Field field,
      String... more) {
    if (totals.has(field)) {
      out.add(metric, owner, totals.get(field) / NANOS, more);
    }
  }
}
