package dev.sonde.ffi;

import java.lang.foreign.MemorySegment;

/** Takes the records of an {@link EventReader#drain}. */
@FunctionalInterface
public interface RecordHandler {
  /**
   * One record: {@code length} bytes at {@code offset} of {@code data}, which is the kernel's own
   * buffer. It is valid during the call only: the kernel overwrites it later, and after the
   * reader's close an access may crash the process. What must last is copied out.
   *
   * <p>An exception ends the pass; the record counts as read.
   */
  void record(MemorySegment data, long offset, int length);
}
