package dev.sonde.agent.runtime.jvm;

import dev.sonde.exporter.model.Metric;
import java.util.List;

/**
 * The metrics of JVM totals. Several JVMs of one container are one series; totals of those that
 * have ended stay in it.
 */
public final class JvmMetrics {
  static final Metric COLLECTIONS =
      Metric.counter(
          "sonde_jvm_gc_collections_total",
          "Stop-the-world collections, by the JVM's own counters (ZGC: pauses).");
  static final Metric GC_TIME =
      Metric.counter(
          "sonde_jvm_gc_time_seconds_total",
          "Time in stop-the-world collections, by the JVM's own counters.");
  static final Metric SAFEPOINTS =
      Metric.counter("sonde_jvm_safepoints_total", "Safepoints, of every cause.");
  static final Metric SAFEPOINT_TIME =
      Metric.counter(
          "sonde_jvm_safepoint_time_seconds_total",
          "Time in safepoints of every cause, time to reach them included.");
  static final Metric HEAP =
      Metric.gauge(
          "sonde_jvm_heap_bytes", "Java heap: used (as of the last collection), committed, max.");
  static final Metric INFO =
      Metric.gauge("sonde_jvm_info", "Number of JVMs of this version, vendor and collector.");
  static final Metric SOURCE =
      Metric.gauge(
          "sonde_jvm_source", "Number of JVMs served by this source; none: it cannot be read.");

  private JvmMetrics() {}

  /** Every metric of this package, in the order of the contract. */
  public static List<Metric> all() {
    return List.of(COLLECTIONS, GC_TIME, SAFEPOINTS, SAFEPOINT_TIME, HEAP, INFO, SOURCE);
  }
}
