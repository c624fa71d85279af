package dev.sonde.agent.workload;

import dev.sonde.exporter.model.Workload;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * An open-addressing table from cgroup id to entry that many threads read while one writes.
 *
 * <p>Slots only ever go from empty to filled, so a reader needs no lock: it stops at the first
 * empty slot. A reader that misses an entry being added asks again under the writer's lock. To
 * grow, and to take entries out, the writer publishes new slots. {@link #get} allocates nothing.
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

    /** Written after {@link #removedNanos}, read before it. */
    private volatile boolean removed;

    Entry(long id, String path, CgroupName name, long sinceNanos) {
      this.id = id;
      this.path = path;
      this.name = name;
      this.sinceNanos = sinceNanos;
    }

    /** {@link IdTable#removed} says so. */
    private void removed(long nanos) {
      removedNanos = nanos;
      removed = true;
    }

    boolean isRemoved() {
      return removed;
    }

    /** Meaningful only after {@link #isRemoved} said so. */
    long removedNanos() {
      return removedNanos;
    }
  }

  private static final int LEAST = 256;

  private volatile AtomicReferenceArray<@Nullable Entry> slots = new AtomicReferenceArray<>(LEAST);
  private volatile long changes;
  private int size;

  /** Any thread. */
  @Nullable Entry get(long id) {
    AtomicReferenceArray<@Nullable Entry> in = slots;
    for (int i = slot(in, id); ; i = next(in, i)) {
      Entry e = in.getAcquire(i);
      if (e == null || e.id == id) {
        return e;
      }
    }
  }

  /** Another number as soon as an entry came, went, or its cgroup was removed. Any thread. */
  long changes() {
    return changes;
  }

  /** The writer only. */
  int size() {
    return size;
  }

  /** The writer only: the cgroup of {@code entry} is gone. */
  @SuppressWarnings("NonAtomicVolatileUpdate")
  void removed(Entry entry, long nanos) {
    entry.removed(nanos);
    changes++;
  }

  /** The writer only; {@code entry} is not in the table. */
  @SuppressWarnings("NonAtomicVolatileUpdate")
  void put(Entry entry) {
    // At least half of the slots stay empty, so that every probe ends, and soon.
    if (size >= slots.length() / 2) {
      rebuild(entries());
    }
    fill(slots, entry);
    size++;
    changes++;
  }

  /** The writer only. Whether there were any. */
  @SuppressWarnings("NonAtomicVolatileUpdate")
  boolean removeIf(Predicate<Entry> gone) {
    List<Entry> kept = entries();
    if (!kept.removeIf(gone)) {
      return false;
    }
    rebuild(kept);
    changes++;
    return true;
  }

  /** With room for as many again. */
  private void rebuild(List<Entry> kept) {
    AtomicReferenceArray<@Nullable Entry> next =
        new AtomicReferenceArray<>(Math.max(LEAST, Integer.highestOneBit(kept.size() + 1) * 8));
    kept.forEach(e -> fill(next, e));
    slots = next;
    size = kept.size();
  }

  private static void fill(AtomicReferenceArray<@Nullable Entry> in, Entry entry) {
    int i = slot(in, entry.id);
    while (in.getPlain(i) != null) {
      i = next(in, i);
    }
    in.setRelease(i, entry);
  }

  /** What is in the table now, in no order. Any thread. */
  List<Entry> entries() {
    List<Entry> entries = new ArrayList<>();
    forEach(entries::add);
    return entries;
  }

  /** As {@link #entries}, without a list. */
  void forEach(Consumer<Entry> visitor) {
    AtomicReferenceArray<@Nullable Entry> in = slots;
    for (int i = 0; i < in.length(); i++) {
      Entry e = in.getAcquire(i);
      if (e != null) {
        visitor.accept(e);
      }
    }
  }

  private static int next(AtomicReferenceArray<@Nullable Entry> in, int i) {
    return (i + 1) & (in.length() - 1);
  }

  private static int slot(AtomicReferenceArray<@Nullable Entry> in, long id) {
    // Ids count up: without mixing, neighbours would fill neighbouring slots and probes get long.
    return (int) ((id * 0x9E3779B97F4A7C15L) >>> 40) & (in.length() - 1);
  }
}
