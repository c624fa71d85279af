package dev.sonde.ffi;

import dev.sonde.ffi.internal.LibBpf;
import dev.sonde.ffi.internal.Memory;
import dev.sonde.ffi.internal.Native;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Reads all entries of one map into buffers that it keeps for the next time. */
final class MapScan {
  /** Target for the values buffer: few system calls, yet it stays in the cache. */
  private static final long BATCH_BYTES = 256 << 10;

  private static final int SMALLEST_BATCH = 16;
  private static final int LARGEST_BATCH = 4096;

  private final String map;
  private final int keySize;
  private final long valueSize;
  private final int maxEntries;

  /** The kernel's cursor: a u32 for hashes, a key for others. */
  private final MemorySegment cursor;

  private final MemorySegment count;
  private int capacity;
  private MemorySegment keys;
  private MemorySegment values;
  private boolean batches = true;

  MapScan(String map, int keySize, long valueSize, int maxEntries) {
    this.map = map;
    this.keySize = keySize;
    this.valueSize = valueSize;
    this.maxEntries = maxEntries;
    // Ends with the map object, which has no close of its own.
    Arena arena = Arena.ofAuto();
    cursor = arena.allocate(Math.max(8, keySize), 8);
    count = arena.allocate(8, 8);
    long fitting = BATCH_BYTES / Math.max(1, keySize + valueSize);
    capacity = Math.clamp(fitting, SMALLEST_BATCH, LARGEST_BATCH);
    keys = Memory.large((long) capacity * keySize, arena);
    values = Memory.large(capacity * valueSize, arena);
  }

  int forEach(int fd, MapEntryConsumer consumer) {
    if (batches) {
      int entries = byBatch(fd, consumer);
      if (entries >= 0) {
        return entries;
      }
      batches = false;
    }
    return byKey(fd, consumer);
  }

  /** The number of entries, or -1 if the kernel has no batches for this map. */
  private int byBatch(int fd, MapEntryConsumer consumer) {
    MemorySegment from = MemorySegment.NULL;
    int total = 0;
    while (true) {
      Native.i32(count, 0, capacity);
      int result =
          LibBpf.bpf_map_lookup_batch(fd, from, cursor, keys, values, count, MemorySegment.NULL);
      if (result == -Errno.ENOSPC.number() && grow()) {
        continue; // a hash bucket holds more than the buffers; from is where it was
      }
      boolean last = result == -Errno.ENOENT.number();
      if (result < 0 && !last) {
        if (total == 0 && unsupported(result)) {
          return -1;
        }
        throw failure(result);
      }
      // ENOENT ends the map and still comes with data.
      int read = Native.i32(count, 0);
      for (int i = 0; i < read; i++) {
        consumer.entry(keys, (long) i * keySize, values, i * valueSize);
      }
      total += read;
      if (last) {
        return total;
      }
      from = cursor;
    }
  }

  private int byKey(int fd, MapEntryConsumer consumer) {
    MemorySegment from = MemorySegment.NULL;
    int total = 0;
    // A key that is deleted under the walk restarts it, so the walk is bounded.
    for (int step = 0; step < maxEntries; step++) {
      int result = LibBpf.bpf_map_get_next_key(fd, from, cursor);
      if (result == -Errno.ENOENT.number()) {
        return total;
      }
      if (result < 0) {
        throw failure(result);
      }
      MemorySegment.copy(cursor, 0, keys, 0, keySize);
      int found = LibBpf.bpf_map_lookup_elem(fd, keys, values);
      if (found == 0) {
        consumer.entry(keys, 0, values, 0);
        total++;
      } else if (found != -Errno.ENOENT.number()) {
        throw failure(found);
      }
      // The consumer may not change keys, but the walk must not depend on it.
      from = cursor;
    }
    return total;
  }

  private boolean grow() {
    if (capacity >= maxEntries) {
      return false;
    }
    capacity = (int) Math.min(2L * capacity, maxEntries);
    Arena arena = Arena.ofAuto();
    keys = Memory.large((long) capacity * keySize, arena);
    values = Memory.large(capacity * valueSize, arena);
    return true;
  }

  /** ENOTSUPP from the kernel for such a map, EINVAL from one before 5.6. */
  private static boolean unsupported(int result) {
    return result == -Errno.ENOTSUPP.number() || result == -Errno.EINVAL.number();
  }

  private BpfException failure(int result) {
    Errno errno = Errno.ofResult(result);
    return new BpfException("read all of map " + map, errno, Hints.map(errno));
  }
}
