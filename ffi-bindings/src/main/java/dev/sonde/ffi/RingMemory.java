package dev.sonde.ffi;

import java.lang.foreign.MemorySegment;

/**
 * The three windows into a BPF ring buffer, {@code kernel/bpf/ringbuf.c}.
 *
 * @param name for messages
 * @param consumer 8 bytes: how far the reader is; ours to write
 * @param producer 8 bytes: how far the kernel is
 * @param data the ring twice in a row, so that no record is ever split
 */
record RingMemory(String name, MemorySegment consumer, MemorySegment producer, MemorySegment data) {
  RingMemory {
    long size = data.byteSize() / 2;
    if (size < 8 || Long.bitCount(size) != 1) {
      throw new IllegalArgumentException("ring %s of %d bytes".formatted(name, size));
    }
  }

  long size() {
    return data.byteSize() / 2;
  }
}
