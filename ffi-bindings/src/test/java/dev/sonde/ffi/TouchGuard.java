package dev.sonde.ffi;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Reads one byte too far, and so does not live to say so. */
final class TouchGuard {
  private TouchGuard() {}

  public static void main(String[] arguments) {
    try (GuardedMemory memory = new GuardedMemory(16)) {
      MemorySegment last = memory.last(16);
      System.out.println("inside " + last.get(ValueLayout.JAVA_BYTE, 15));
      System.out.println("outside " + last.get(ValueLayout.JAVA_BYTE, 16));
    }
  }
}
