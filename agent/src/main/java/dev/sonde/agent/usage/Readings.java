package dev.sonde.agent.usage;

import java.util.Arrays;

/**
 * A number for each {@link Field}, or none. Times are nanoseconds.
 *
 * <p>Not thread-safe: the snapshot thread owns it.
 */
final class Readings {
  private final long[] values = new long[Field.COUNT];

  Readings() {
    clear();
  }

  void clear() {
    Arrays.fill(values, StatText.ABSENT);
  }

  boolean has(Field field) {
    return values[field.place()] != StatText.ABSENT;
  }

  long get(Field field) {
    return values[field.place()];
  }

  void set(Field field, long value) {
    values[field.place()] = value;
  }

  /** A number of the kernel in a unit of that many nanoseconds; absent stays absent. */
  void set(Field field, long value, long nanos) {
    values[field.place()] = value == StatText.ABSENT ? value : value * nanos;
  }

  /**
   * Adds what came since {@code last} to these totals, and remembers {@code now} in it. A counter
   * that fell (v1's cpuacct.usage can be set to 0) adds nothing and is followed from there.
   */
  void addSince(Readings last, Readings now) {
    for (int i = 0; i < values.length; i++) {
      long value = now.values[i];
      if (value == StatText.ABSENT) {
        continue;
      }
      long before = Math.max(last.values[i], 0);
      values[i] = Math.max(values[i], 0) + Math.max(value - before, 0);
      last.values[i] = value;
    }
  }
}
