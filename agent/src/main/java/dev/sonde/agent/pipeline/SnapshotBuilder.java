package dev.sonde.agent.pipeline;

import dev.sonde.exporter.model.Histogram;
import dev.sonde.exporter.model.Metric;
import dev.sonde.exporter.model.Workload;

/**
 * Where sources put their values while one snapshot is made. Not thread-safe: the snapshot thread
 * owns it.
 *
 * <p>{@code more} are alternating names and values of the labels beyond {@code node}, namespace,
 * pod, container and unit; always the same names for one metric. Two values for one series within a
 * snapshot are added up: several processes of one container are one series.
 */
public interface SnapshotBuilder {
  /** A counter's total or a gauge's value, for one workload. */
  void add(Metric metric, Workload owner, double value, String... more);

  /** A histogram's totals, for one workload. */
  void add(Metric metric, Workload owner, Histogram value, String... more);

  /**
   * A series of the agent or the node as a whole: it carries {@code node} and {@code labels} only.
   */
  void addOwn(Metric metric, double value, String... labels);
}
