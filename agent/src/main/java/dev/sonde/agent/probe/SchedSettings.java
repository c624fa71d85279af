package dev.sonde.agent.probe;

import java.time.Duration;
import java.util.List;

/**
 * What the scheduler probe is asked for.
 *
 * @param deadlines ascending, at most {@link #MAX_DEADLINES}; a wait longer than one is a miss
 * @param longWait a wait longer than this is an event; zero: none is
 * @param neighbours how many other workloads a victim's series name
 */
public record SchedSettings(List<Duration> deadlines, Duration longWait, int neighbours) {
  /** {@code DEADLINES} of sched_stats.h. */
  public static final int MAX_DEADLINES = 8;

  /** What the options say by default. */
  public static final SchedSettings DEFAULT =
      new SchedSettings(
          List.of(Duration.ofNanos(15_000), Duration.ofMillis(1), Duration.ofMillis(10)),
          Duration.ofMillis(100),
          5);

  public SchedSettings {
    deadlines = deadlines.stream().distinct().sorted().toList();
    if (deadlines.size() > MAX_DEADLINES) {
      throw new IllegalArgumentException("more than " + MAX_DEADLINES + " deadlines: " + deadlines);
    }
  }
}
