package dev.sonde.agent.workload;

import dev.sonde.exporter.model.Workload;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * An open-addressing table from cgroup id to entry that many threads read while one writes.
 *
 * <p>Slots only ever go from empty to filled, so a reader needs no lock: it stops at the first
 * empty slot. A reader that misses an entry being added asks again under the writer's lock. {@link
 * #get} allocates nothing.
 */
final class IdTable {
  /**
   * One cgroup. Its name may come late and change once more; its end is set once. The writer alone
   * changes it.
   */
  static final class Entry {
    final long id;
    final String path;
    final CgroupName name;

    /** Since when its name is waited for. */
    final long sinceNanos;

    /** Null while its name is waited for. */
    volatile @Nullable Workload workload;

    /** Whether anybody wanted to know whose it is: nothing was counted for the others. */
    volatile boolean asked;

    private long removedNanos;

    /** 0 while it exists, else its place in the order of removals. Written last, read first. */
    private volatile long removal;

    Entry(long id, String path, CgroupName name, long sinceNanos) {
      this.id = id;
      this.path = path;
      this.name = name;
      this.sinceNanos = sinceNanos;
    }

    void removed(long nanos, long number) {
      removedNanos = nanos;
      removal = number;
    }

    boolean isRemoved() {
      return removal != 0;
    }

    long removal() {
      return removal;
    }

    /** Meaningful only after {@link #isRemoved} said so. */
    long removedNanos() {
      return removedNanos;
    }
  }

  private final AtomicReferenceArray<@Nullable Entry> slots;
  private final int mask;
  private int size;

  /**
   * @param capacity a power of two
   */
  IdTable(int capacity) {
    slots = new AtomicReferenceArray<>(capacity);
    mask = capacity - 1;
  }

  /** Any thread. */
  @Nullable Entry get(long id) {
    for (int i = slot(id); ; i = (i + 1) & mask) {
      Entry e = slots.getAcquire(i);
      if (e == null || e.id == id) {
        return e;
      }
    }
  }

  /** The writer only. At least half of the slots stay empty, so that every probe ends. */
  boolean hasRoom() {
    return size < slots.length() / 2;
  }

  /** The writer only. */
  int size() {
    return size;
  }

  /** The writer only; {@code entry} is not in the table, and there is room. */
  void put(Entry entry) {
    int i = slot(entry.id);
    while (slots.getPlain(i) != null) {
      i = (i + 1) & mask;
    }
    slots.setRelease(i, entry);
    size++;
  }

  /** A table of those entries that {@code keep} holds for, with room for as many again. */
  IdTable rebuilt(Predicate<Entry> keep) {
    List<Entry> kept = entries();
    kept.removeIf(keep.negate());
    IdTable next = new IdTable(Math.max(256, Integer.highestOneBit(kept.size() + 1) * 8));
    kept.forEach(next::put);
    return next;
  }

  /** What is in the table now, in no order. Any thread. */
  List<Entry> entries() {
    List<Entry> entries = new ArrayList<>();
    for (int i = 0; i <= mask; i++) {
      Entry e = slots.getAcquire(i);
      if (e != null) {
        entries.add(e);
      }
    }
    return entries;
  }

  private int slot(long id) {
    // Ids count up: without mixing, neighbours would fill neighbouring slots and probes get long.
    return (int) ((id * 0x9E3779B97F4A7C15L) >>> 40) & mask;
  }
}
