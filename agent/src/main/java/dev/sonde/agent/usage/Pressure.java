package dev.sonde.agent.usage;

import java.lang.foreign.MemorySegment;

/**
 * Pressure stall information: for how long some, and all, of a cgroup's tasks waited for a
 * resource.
 *
 * <p>Source of the definition: Documentation/accounting/psi.rst. A kernel without it has no files;
 * one before 5.13 has no {@code full} line for the CPU.
 */
final class Pressure {
  static final String[] RESOURCES = {"cpu", "memory", "io"};

  private static final byte[] SOME = StatText.key("some");
  private static final byte[] FULL = StatText.key("full");
  private static final byte[] TOTAL = StatText.key("total=");
  private static final int MICRO = 1000;

  private static final Field[] SOME_FIELDS = {Field.CPU_SOME, Field.MEMORY_SOME, Field.IO_SOME};
  private static final Field[] FULL_FIELDS = {Field.CPU_FULL, Field.MEMORY_FULL, Field.IO_FULL};

  private Pressure() {}

  static Field some(int resource) {
    return SOME_FIELDS[resource];
  }

  static Field full(int resource) {
    return FULL_FIELDS[resource];
  }

  /** Reads the two totals of a pressure file. */
  static void parse(MemorySegment text, int length, int resource, Readings out) {
    out.set(some(resource), StatText.value(text, length, SOME, TOTAL), MICRO);
    out.set(full(resource), StatText.value(text, length, FULL, TOTAL), MICRO);
  }
}
