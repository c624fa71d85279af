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
   * scrape that is being made (docs/footprint.md).
   */
  private static final int BYTES = 2500;

  /** As many in all as the JVM's heap has room for. */
  public static int fittingIntoTheHeap() {
    return (int) Math.min(Runtime.getRuntime().maxMemory() / BYTES, Integer.MAX_VALUE);
  }
}
