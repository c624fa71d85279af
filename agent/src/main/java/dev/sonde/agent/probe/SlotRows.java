package dev.sonde.agent.probe;

import dev.sonde.ffi.BpfException;
import dev.sonde.ffi.BpfMap;
import dev.sonde.ffi.MappedArray;
import java.lang.foreign.MemorySegment;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The rows that slots have in one of the kernel's arrays, which has a part for each CPU, or for a
 * few of them, and in each part a row for every slot there may be.
 *
 * {@snippet :
 * long sent = rows.sum(slot, TcpStats::sentBytes); // over all CPUs
 * }
 *
 * <p>Mapped are the rows of the slots that were asked for, and some more: all of what is mapped
 * counts as the agent's memory, and most nodes have a tenth of the workloads that there is room
 * for. Owned by the snapshot thread.
 */
final class SlotRows implements AutoCloseable {
  private static final int FIRST_SLOTS = 64;

  private final BpfMap map;
  private final int maxSlots;
  private final int rowsPerSlot;
  private final long slotBytes;
  private final @Nullable MappedArray[] parts;
  private int mapped;

  /** Reads a number of the row that starts at {@code row}. */
  interface Field {
    long get(MemorySegment s, long row);
  }

  /** Reads one of several numbers of a row. */
  interface IndexedField {
    long get(MemorySegment s, long row, int index);
  }

  /**
   * @param parts how many CPUs, or groups of them, have rows of their own
   * @param maxSlots slots that there may be; the map has one row or several for each, and no fewer
   *     unless it is never read
   */
  SlotRows(BpfMap map, int parts, int maxSlots) {
    this.map = map;
    this.maxSlots = maxSlots;
    this.rowsPerSlot = map.maxEntries() / parts / maxSlots;
    this.slotBytes = (long) rowsPerSlot * map.valueSize();
    this.parts = new MappedArray[parts];
  }

  /** The sum over all parts; what is 32 bits wide wraps there, and is to be cast. */
  long sum(int slot, Field field) {
    long sum = 0;
    for (int p = 0; p < parts.length; p++) {
      sum += field.get(part(p, slot), row(slot));
    }
    return sum;
  }

  /** Likewise. */
  long sum(int slot, IndexedField field, int index) {
    long sum = 0;
    for (int p = 0; p < parts.length; p++) {
      sum += field.get(part(p, slot), row(slot), index);
    }
    return sum;
  }

  /**
   * Where the first or only part has its rows, {@code slot}'s among them: good until the next call.
   */
  MemorySegment segment(int slot) {
    return part(0, slot);
  }

  /** Where a slot's first row starts in its part. */
  long row(int slot) {
    return slot * slotBytes;
  }

  private MemorySegment part(int part, int slot) {
    if (slot >= mapped) {
      map(slot);
    }
    return Objects.requireNonNull(parts[part]).segment();
  }

  /**
   * @throws BpfException the kernel refuses; what was mapped stays
   */
  private void map(int slot) {
    int slots = Math.min(maxSlots, Math.max(FIRST_SLOTS, Integer.highestOneBit(slot) * 2));
    for (int p = 0; p < parts.length; p++) {
      MappedArray longer = map.mmap(p * maxSlots * rowsPerSlot, slots * rowsPerSlot);
      MappedArray before = parts[p];
      parts[p] = longer;
      if (before != null) {
        before.close();
      }
    }
    mapped = slots;
  }

  @Override
  public void close() {
    for (MappedArray part : parts) {
      if (part != null) {
        part.close();
      }
    }
  }
}
