package dev.sonde.exporter.events;

import dev.sonde.exporter.model.Event;

/** What a watcher reads next: an event, or the place where some are missing. */
public sealed interface Delivery {
  /** The next event in sequence. */
  record Next(Event event) implements Delivery {}

  /**
   * Events that were overwritten before this watcher read them.
   *
   * @param first sequence of the first missing event, inclusive
   * @param last sequence of the last one, inclusive
   */
  record Gap(long first, long last) implements Delivery {
    /** How many events are missing; at least one. */
    public long count() {
      return last - first + 1;
    }
  }
}
