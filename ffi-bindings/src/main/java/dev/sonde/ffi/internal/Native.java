package dev.sonde.ffi.internal;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Short words for reading and writing C memory at byte offsets, aligned or not. */
public final class Native {
  private Native() {}

  /** The u32 or s32 at {@code offset}. */
  public static int i32(MemorySegment memory, long offset) {
    return memory.get(ValueLayout.JAVA_INT_UNALIGNED, offset);
  }

  /** The u64 or s64 at {@code offset}. */
  public static long i64(MemorySegment memory, long offset) {
    return memory.get(ValueLayout.JAVA_LONG_UNALIGNED, offset);
  }

  /** Writes an int. */
  public static void i32(MemorySegment memory, long offset, int value) {
    memory.set(ValueLayout.JAVA_INT_UNALIGNED, offset, value);
  }

  /** Writes a long. */
  public static void i64(MemorySegment memory, long offset, long value) {
    memory.set(ValueLayout.JAVA_LONG_UNALIGNED, offset, value);
  }

  /** Writes an address; as a number, since the handle for ADDRESS makes classes at run time. */
  public static void pointer(MemorySegment memory, long offset, MemorySegment target) {
    i64(memory, offset, Downcalls.pointer(target));
  }

  /** A new C int that holds {@code value}. */
  public static MemorySegment intCell(Arena arena, int value) {
    return arena.allocateFrom(ValueLayout.JAVA_INT, value);
  }

  /** {@code value} rounded up to a multiple of {@code unit}, a power of two. */
  public static long roundUp(long value, long unit) {
    return (value + unit - 1) & -unit;
  }
}
