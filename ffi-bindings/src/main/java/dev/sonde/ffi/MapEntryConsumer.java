package dev.sonde.ffi;

import java.lang.foreign.MemorySegment;

/** Takes the entries of a {@link BpfMap#forEach}. */
@FunctionalInterface
public interface MapEntryConsumer {
  /**
   * One entry: the key starts at {@code key} in {@code keys}, the value at {@code value} in {@code
   * values}. Both segments are reused: what must last is copied out during the call.
   */
  void entry(MemorySegment keys, long key, MemorySegment values, long value);
}
