package dev.sonde.agent.usage;

/** What a cgroup's files count. Times are nanoseconds in {@link Readings}. */
enum Field {
  USAGE(0),
  THROTTLED(1),
  PERIODS(2),
  THROTTLED_PERIODS(3),
  CPU_SOME(4),
  CPU_FULL(5),
  MEMORY_SOME(6),
  MEMORY_FULL(7),
  IO_SOME(8),
  IO_FULL(9);

  static final int COUNT = values().length;

  private final int place;

  Field(int place) {
    this.place = place;
  }

  /** Where {@link Readings} keep it: 0 .. COUNT - 1. */
  int place() {
    return place;
  }
}
