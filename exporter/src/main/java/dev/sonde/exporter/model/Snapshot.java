package dev.sonde.exporter.model;

import java.time.Instant;
import java.util.List;

/**
 * Every series of the agent at one instant.
 *
 * <p>Immutable and shared: the pipeline publishes a new one about once a second, scrapes and
 * queries read whichever is newest, and neither waits for the other.
 *
 * @param sequence 1, 2, 3 … for as long as the agent runs
 * @param at when the kernel's counters were read
 */
public record Snapshot(long sequence, Instant at, List<Family> families) {
  public Snapshot {
    families = List.copyOf(families);
  }

  /** How many series, all families together. */
  public int size() {
    int n = 0;
    for (Family f : families) {
      n += f.size();
    }
    return n;
  }
}
