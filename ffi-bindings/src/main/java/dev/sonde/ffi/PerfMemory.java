package dev.sonde.ffi;

import dev.sonde.ffi.internal.Native;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;

/**
 * The mapped buffer of one CPU's perf event, perf_event_open(2): a page with the positions, then a
 * power of two of data, where a record may be split by the end.
 */
final class PerfMemory {
  /** {@code offsetof(struct perf_event_mmap_page, data_head)}. */
  static final long DATA_HEAD = 1024;

  /** {@code offsetof(struct perf_event_mmap_page, data_tail)}. */
  static final long DATA_TAIL = 1032;

  /** {@code PERF_RECORD_LOST}: header, u64 id, u64 lost. */
  static final int RECORD_LOST = 2;

  /** {@code PERF_RECORD_SAMPLE} with PERF_SAMPLE_RAW: header, u32 size, data. */
  static final int RECORD_SAMPLE = 9;

  private static final int HEADER = 8;
  private static final int RAW_SIZE = 4;
  private static final int LOST_SIZE = 24;

  /** The header's size field is a u16. */
  private static final int LARGEST_RECORD = 1 << 16;

  private static final VarHandle LONG = ValueLayout.JAVA_LONG.varHandle();

  private final String name;
  private final MemorySegment positions;
  private final MemorySegment data;
  private final long mask;

  /** Where a split record is put together. */
  private final MemorySegment scratch = Arena.ofAuto().allocate(LARGEST_RECORD, 8);

  /** Written by the draining thread alone, read by any. */
  private volatile long lost;

  PerfMemory(String name, MemorySegment positions, MemorySegment data) {
    if (data.byteSize() < HEADER || Long.bitCount(data.byteSize()) != 1) {
      throw new IllegalArgumentException(
          "perf buffer %s of %d bytes".formatted(name, data.byteSize()));
    }
    this.name = name;
    this.positions = positions;
    this.data = data;
    this.mask = data.byteSize() - 1;
  }

  long lost() {
    return lost;
  }

  boolean hasData() {
    return (long) LONG.getAcquire(positions, DATA_HEAD) != (long) LONG.get(positions, DATA_TAIL);
  }

  int drain(RecordHandler handler, int maxRecords) {
    long head = (long) LONG.getAcquire(positions, DATA_HEAD);
    long tail = (long) LONG.get(positions, DATA_TAIL);
    int handed = 0;
    try {
      while (tail != head && handed < maxRecords) {
        long at = tail & mask;
        // Records are multiples of 8 bytes, so a header is never split.
        int type = Native.i32(data, at);
        int size = Short.toUnsignedInt(data.get(ValueLayout.JAVA_SHORT_UNALIGNED, at + 6));
        if (size < HEADER || (size & 7) != 0 || size > head - tail) {
          throw corrupt("size " + size, tail, head);
        }
        // Before the handler: a record that makes it fail must not come again.
        tail += size;
        switch (type) {
          case RECORD_SAMPLE -> {
            handed++;
            sample(handler, at, size, head);
          }
          case RECORD_LOST -> count(at, size, head);
          default -> {} // other records carry nothing that was asked for
        }
      }
      return handed;
    } finally {
      LONG.setRelease(positions, DATA_TAIL, tail);
    }
  }

  private void sample(RecordHandler handler, long at, int size, long head) {
    boolean whole = at + size <= data.byteSize();
    MemorySegment memory = whole ? data : joined(at, size);
    long start = whole ? at : 0;
    long length =
        size < HEADER + RAW_SIZE ? -1 : Integer.toUnsignedLong(Native.i32(memory, start + HEADER));
    if (length < 0 || length > size - HEADER - RAW_SIZE) {
      throw corrupt("raw size " + length + " in a record of " + size, at, head);
    }
    handler.record(memory, start + HEADER + RAW_SIZE, (int) length);
  }

  @SuppressWarnings("NonAtomicVolatileUpdate") // one thread drains
  private void count(long at, int size, long head) {
    if (size < LOST_SIZE) {
      throw corrupt("size " + size + " of a lost record", at, head);
    }
    boolean whole = at + size <= data.byteSize();
    lost += whole ? Native.i64(data, at + 16) : Native.i64(joined(at, size), 16);
  }

  private MemorySegment joined(long at, int size) {
    long first = data.byteSize() - at;
    MemorySegment.copy(data, at, scratch, 0, first);
    MemorySegment.copy(data, 0, scratch, first, size - first);
    return scratch;
  }

  private IllegalStateException corrupt(String what, long tail, long head) {
    return new IllegalStateException(
        "perf buffer %s is corrupt: %s at position %d, head %d".formatted(name, what, tail, head));
  }
}
