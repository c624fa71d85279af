package dev.sonde.ffi.internal;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Turns raw addresses into segments: the restricted step of FFM, kept in one place. */
@SuppressWarnings("restricted")
public final class Memory {
  private Memory() {}

  /**
   * Memory at {@code address} that lives until the process says otherwise. No liveness check stands
   * in the way of an access, so the owner must make sure that nobody looks after its end.
   */
  public static MemorySegment unchecked(MemorySegment address, long size) {
    return address.reinterpret(size);
  }

  /** Memory at {@code address} that ends, and is cleaned up, with {@code arena}. */
  public static MemorySegment owned(
      MemorySegment address, long size, Arena arena, @Nullable Consumer<MemorySegment> cleanup) {
    return address.reinterpret(size, arena, cleanup);
  }

  /**
   * Zeroed memory for something large, which ends with {@code arena}. From the kernel: {@link
   * Arena#allocate} writes its zeros one by one in Java, which costs an interpreter milliseconds.
   */
  public static MemorySegment large(long size, Arena arena) {
    MemorySegment mapped =
        LibC.mmap(
            Downcalls.newCapture(arena),
            MemorySegment.NULL,
            Math.max(1, size),
            LibC.PROT_READ | LibC.PROT_WRITE,
            LibC.MAP_PRIVATE | LibC.MAP_ANONYMOUS,
            -1,
            0);
    if (LibC.isError(mapped)) {
      throw new OutOfMemoryError("mmap of " + size + " bytes: errno " + -mapped.address());
    }
    return owned(mapped, size, arena, Memory::unmap);
  }

  private static void unmap(MemorySegment memory) {
    try (Arena arena = Arena.ofConfined()) {
      int result = LibC.munmap(Downcalls.newCapture(arena), memory, Math.max(1, memory.byteSize()));
      assert result == 0;
    }
  }

  /** The first {@code length} bytes of {@code memory} as UTF-8. */
  public static String string(MemorySegment memory, long length) {
    return new String(
        memory.asSlice(0, length).toArray(ValueLayout.JAVA_BYTE), StandardCharsets.UTF_8);
  }

  /** The NUL-terminated UTF-8 string at {@code address}; empty for NULL. */
  public static String string(MemorySegment address) {
    return address.address() == 0 ? "" : address.reinterpret(Long.MAX_VALUE).getString(0);
  }
}
