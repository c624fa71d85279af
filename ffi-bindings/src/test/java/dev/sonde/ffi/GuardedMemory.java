package dev.sonde.ffi;

import dev.sonde.ffi.internal.Downcalls;
import dev.sonde.ffi.internal.LibC;
import dev.sonde.ffi.internal.Memory;
import dev.sonde.ffi.internal.Native;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Memory whose end is flush against a page that nobody may touch: one byte too far is a fault. */
final class GuardedMemory implements AutoCloseable {
  private final Arena arena = Arena.ofConfined();
  private final MemorySegment capture = Downcalls.newCapture(arena);
  private final MemorySegment mapped;
  private final long guard;

  GuardedMemory(long size) {
    long page = LibC.pageSize();
    guard = Native.roundUp(size, page);
    long all = guard + page;
    MemorySegment address =
        LibC.mmap(
            capture,
            MemorySegment.NULL,
            all,
            LibC.PROT_READ | LibC.PROT_WRITE,
            LibC.MAP_PRIVATE | LibC.MAP_ANONYMOUS,
            -1,
            0);
    if (LibC.isError(address)) {
      throw new AssertionError("mmap: " + Errno.ofResult(address.address()));
    }
    mapped = Memory.unchecked(address, all);
    int result = LibC.mprotect(capture, mapped.asSlice(guard), page, 0);
    if (result != 0) {
      throw new AssertionError("mprotect: " + Errno.ofResult(result));
    }
  }

  /**
   * The last {@code size} bytes before the guard, without any bound of Java's: what lies behind
   * {@code size} can be reached, and faults.
   */
  MemorySegment last(long size) {
    return Memory.unchecked(
        MemorySegment.ofAddress(mapped.address() + guard - size), size + LibC.pageSize());
  }

  @Override
  public void close() {
    int result = LibC.munmap(capture, mapped, mapped.byteSize());
    assert result == 0;
    arena.close();
  }
}
