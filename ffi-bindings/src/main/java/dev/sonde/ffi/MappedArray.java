package dev.sonde.ffi;

import dev.sonde.ffi.internal.Downcalls;
import dev.sonde.ffi.internal.LibC;
import dev.sonde.ffi.internal.Memory;
import dev.sonde.ffi.internal.Native;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * A BPF array in this process's memory, or some values of it, read-only: a value is read without a
 * system call. The {@code i}th of them starts at {@code i * stride()}. The kernel writes it at the
 * same time, so a reader sees each aligned word whole, but not two words of the same moment.
 *
 * {@snippet :
 * try (MappedArray slots = map.mmap()) {
 *   long count = slots.segment().get(ValueLayout.JAVA_LONG, 7 * slots.stride());
 * }
 * }
 *
 * <p>Any thread may read; an access after {@link #close} is an IllegalStateException, not a crash.
 * It keeps the kernel's memory alive even when its object is closed. All of what is mapped counts
 * as resident memory of the process, touched or not: the kernel puts every page in place at once.
 * Needs kernel 5.5.
 */
public final class MappedArray implements AutoCloseable {
  private final Arena arena;
  private final MemorySegment segment;
  private final long stride;
  private boolean closed;

  private MappedArray(Arena arena, MemorySegment segment, long stride) {
    this.arena = arena;
    this.segment = segment;
    this.stride = stride;
  }

  static MappedArray of(String map, int fd, int valueSize, long first, long count) {
    long stride = Native.roundUp(valueSize, 8);
    long begin = first * stride;
    long end = begin + count * stride;
    long page = LibC.pageSize();
    long offset = begin / page * page;
    long mapped = Native.roundUp(end - offset, page);
    Arena arena = Arena.ofShared();
    try {
      MemorySegment capture = Downcalls.newCapture(arena);
      MemorySegment memory =
          LibC.mmap(
              capture, MemorySegment.NULL, mapped, LibC.PROT_READ, LibC.MAP_SHARED, fd, offset);
      if (LibC.isError(memory)) {
        throw new BpfException("mmap " + map, Errno.ofResult(memory.address()), "");
      }
      MemorySegment whole = Memory.owned(memory, mapped, arena, MappedArray::unmap);
      MemorySegment values = whole.asSlice(begin - offset, end - begin);
      return new MappedArray(arena, values.asReadOnly(), stride);
    } catch (Throwable failure) {
      arena.close();
      throw failure;
    }
  }

  /** The values that were asked for, read-only. */
  public MemorySegment segment() {
    return segment;
  }

  /** Bytes from one value to the next: the value's size rounded up to 8. */
  public long stride() {
    return stride;
  }

  /** Unmaps it. Closing twice is harmless. */
  @Override
  public synchronized void close() {
    if (!closed) {
      closed = true;
      arena.close();
    }
  }

  private static void unmap(MemorySegment whole) {
    try (Arena scratch = Arena.ofConfined()) {
      int ignored = LibC.munmap(Downcalls.newCapture(scratch), whole, whole.byteSize());
      assert ignored == 0;
    }
  }
}
