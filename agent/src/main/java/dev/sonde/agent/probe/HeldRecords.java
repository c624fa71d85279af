package dev.sonde.agent.probe;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * Copies of event records whose owner's name is waited for, oldest first.
 *
 * <p>Bounded by number and bytes; what does not fit is the caller's to name as well as it can. Not
 * thread-safe: the drain thread owns it.
 */
final class HeldRecords {
  private static final int MAX_RECORDS = 4096;
  private static final int MAX_BYTES = 1 << 20;

  private final Deque<MemorySegment> records = new ArrayDeque<>();
  private int bytes;

  /** Tries a held record again. */
  interface Retry {
    /** False if it must be held on. */
    boolean done(MemorySegment record);
  }

  /** Keeps a copy; false if there is no room. */
  boolean add(MemorySegment data, long offset, int length) {
    if (records.size() == MAX_RECORDS || bytes + length > MAX_BYTES) {
      return false;
    }
    byte[] copy = new byte[length];
    MemorySegment.copy(data, ValueLayout.JAVA_BYTE, offset, copy, 0, length);
    records.add(MemorySegment.ofArray(copy));
    bytes += length;
    return true;
  }

  boolean isEmpty() {
    return records.isEmpty();
  }

  void retry(Retry retry) {
    for (int left = records.size(); left > 0; left--) {
      MemorySegment record = records.poll();
      if (record == null) {
        return;
      }
      if (retry.done(record)) {
        bytes -= (int) record.byteSize();
      } else {
        records.add(record);
      }
    }
  }
}
