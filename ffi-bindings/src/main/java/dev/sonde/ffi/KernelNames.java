package dev.sonde.ffi;

import dev.sonde.ffi.internal.LibC;
import dev.sonde.ffi.internal.Memory;
import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Collection;
import java.util.HashSet;
import java.util.Set;

/**
 * The names in the kernel's own types: what is not among them is no hook of this kernel, and a load
 * that would only find that out is saved.
 *
 * {@snippet :
 * boolean hasIt = KernelNames.absent(Set.of("btf_trace_sk_data_ready")).isEmpty();
 * }
 */
public final class KernelNames {
  private static final Path TYPES = Path.of("/sys/kernel/btf/vmlinux");

  /** {@code struct btf_header}: the magic number, the header's length, the strings' place. */
  private static final int HEADER_SIZE = 24;

  private static final short MAGIC = (short) 0xeb9f;
  private static final long HEADER_LENGTH = 4;
  private static final long STRINGS_OFFSET = 16;
  private static final long STRINGS_LENGTH = 20;

  private KernelNames() {}

  /**
   * Which of {@code names} this kernel certainly does not have: empty if it does not tell its
   * types. About a millisecond for the read and half of one for each name.
   */
  public static Set<String> absent(Collection<String> names) {
    return absent(names, TYPES);
  }

  static Set<String> absent(Collection<String> names, Path types) {
    try (Arena arena = Arena.ofConfined();
        FileChannel file = FileChannel.open(types)) {
      MemorySegment header = read(file, 0, HEADER_SIZE, arena);
      if (header.get(ValueLayout.JAVA_SHORT, 0) != MAGIC) {
        return Set.of();
      }
      long strings = number(header, HEADER_LENGTH) + number(header, STRINGS_OFFSET);
      MemorySegment text = read(file, strings, number(header, STRINGS_LENGTH), arena);
      Set<String> absent = new HashSet<>();
      for (String name : names) {
        if (!LibC.contains(text, whole(name, arena))) {
          absent.add(name);
        }
      }
      return absent;
    } catch (IOException | IllegalArgumentException unknown) {
      return Set.of(); // no types, or not as they should be: the load says more
    }
  }

  /** The name between the zeros that end it and the one before it. */
  private static MemorySegment whole(String name, Arena arena) {
    byte[] bytes = ("\0" + name + "\0").getBytes(StandardCharsets.UTF_8);
    return arena.allocateFrom(ValueLayout.JAVA_BYTE, bytes);
  }

  private static long number(MemorySegment header, long at) {
    return Integer.toUnsignedLong(header.get(ValueLayout.JAVA_INT, at));
  }

  private static MemorySegment read(FileChannel file, long from, long size, Arena arena)
      throws IOException {
    if (from + size > file.size()) {
      throw new EOFException("shorter than its header says");
    }
    MemorySegment memory = Memory.large(size, arena);
    ByteBuffer buffer = memory.asByteBuffer();
    while (buffer.hasRemaining()) {
      if (file.read(buffer, from + buffer.position()) < 0) {
        throw new EOFException("shorter than its size");
      }
    }
    return memory;
  }
}
