package dev.sonde.agent.pipeline;

/**
 * How many series there may be at a time: what exceeds it goes into {@code ~other}.
 *
 * <p>Those of the agent itself are few, and are not counted. A histogram is one series.
 *
 * @param perMetric of one metric
 * @param all of all metrics together
 */
public record SeriesLimits(int perMetric, int all) {
  /** No limits. */
  public static final SeriesLimits NONE = new SeriesLimits(Integer.MAX_VALUE, Integer.MAX_VALUE);

  /**
   * What a series may take of the heap: itself, its text, its place in two snapshots and in a
   * scrape that is being made, and its share of what workloads take whose series are in {@code
   * ~other} (docs/footprint.md).
   */
  private static final int BYTES = 4096;

  /** As many in all as the JVM's heap has room for. */
  public static int fittingIntoTheHeap() {
    return (int) Math.min(Runtime.getRuntime().maxMemory() / BYTES, Integer.MAX_VALUE);
  }

  /** What a workload takes of it when all probes count for it, its series apart. */
  private static final int WORKLOAD_BYTES = 12_000;

  /** How many workloads take half of the heap: more of them want a larger one. */
  public static int workloadsFittingIntoTheHeap() {
    return (int) Math.min(Runtime.getRuntime().maxMemory() / 2 / WORKLOAD_BYTES, Integer.MAX_VALUE);
  }
}
