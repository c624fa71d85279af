package dev.sonde.agent.probe;

import dev.sonde.agent.workload.Linger;
import dev.sonde.agent.workload.PodTable;
import dev.sonde.exporter.model.Workload;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Turns the kernel's free-running counters of slots into totals of workloads.
 *
 * <p>Two cgroups of one container add up in one total; a slot that changes its owner goes on
 * counting for the new one from where it stood. Whose a slot is is asked again only when names may
 * have changed ({@link PodTable#generation}). Owned by the snapshot thread.
 *
 * @param <L> what was last read of a slot
 * @param <T> the totals of a workload
 */
final class PerWorkload<L, T> {
  private final Slots slots;
  private final PodTable pods;
  private final Supplier<L> freshSlot;
  private final Function<Workload, T> freshTotals;
  private final List<Slot<L, T>> known = new ArrayList<>();
  private final Map<Workload, Kept<T>> totals = new LinkedHashMap<>();
  private long forgotAt;

  /** What is known of a slot. */
  private static final class Slot<L, T> {
    final L last;
    long owner = Slots.NOBODY;
    @Nullable Kept<T> kept;

    /** As of when {@link #kept} is right. */
    long generation;

    Slot(L last) {
      this.last = last;
    }
  }

  /** The totals of a workload, and how many slots count for it. */
  private static final class Kept<T> {
    final Workload workload;
    final T totals;
    final Linger linger = new Linger();
    int slots;
    boolean shown;

    Kept(Workload workload, T totals) {
      this.workload = workload;
      this.totals = totals;
    }
  }

  /**
   * Reads one slot: adds to the totals what came since the last look, and remembers what it read.
   */
  interface Reader<L, T> {
    void read(int slot, L last, T totals);
  }

  PerWorkload(
      Slots slots, PodTable pods, Supplier<L> freshSlot, Function<Workload, T> freshTotals) {
    this.slots = slots;
    this.pods = pods;
    this.freshSlot = freshSlot;
    this.freshTotals = freshTotals;
  }

  void read(Reader<L, T> reader) {
    int end = slots.end();
    long generation = pods.generation();
    for (int i = 0; i < end; i++) {
      if (i == known.size()) {
        known.add(new Slot<>(freshSlot.get()));
      }
      Slot<L, T> slot = known.get(i);
      long owner = slots.owner(i);
      if (owner == Slots.NOBODY) {
        give(slot, owner, null);
        continue;
      }
      Kept<T> kept = kept(slot, owner, generation);
      if (kept != null) {
        reader.read(i, slot.last, kept.totals);
      }
    }
  }

  /** The totals of a slot's workload; null for a slot that is free or not yet named. */
  @Nullable T at(int slot) {
    Kept<T> kept = slot < known.size() ? known.get(slot).kept : null;
    return kept == null ? null : kept.totals;
  }

  /** The workload that a slot belonged to at the last {@link #read}; null likewise. */
  @Nullable Workload workload(int slot) {
    Kept<T> kept = slot < known.size() ? known.get(slot).kept : null;
    return kept == null ? null : kept.workload;
  }

  /**
   * Where a slot's counts go. A name may come late, and pass to a later pod: from then on the
   * counts go to its new owner, and what was counted stays where it is.
   */
  private @Nullable Kept<T> kept(Slot<L, T> slot, long owner, long generation) {
    Kept<T> before = slot.owner == owner ? slot.kept : null;
    if (before != null && slot.generation == generation) {
      return before;
    }
    Workload workload = pods.find(owner);
    if (workload == null) {
      // its name is waited for, or the kernel does not say just now: the counts wait in the row
      return before;
    }
    slot.generation = generation;
    if (before != null && before.workload.equals(workload)) {
      return before;
    }
    if (before != null) {
      before.linger.touch(System.nanoTime());
    }
    Kept<T> now = totals.computeIfAbsent(workload, w -> new Kept<>(w, freshTotals.apply(w)));
    give(slot, owner, now);
    return now;
  }

  private static <L, T> void give(Slot<L, T> slot, long owner, @Nullable Kept<T> to) {
    Kept<T> before = slot.kept;
    if (before != null) {
      before.slots--;
    }
    if (to != null) {
      to.slots++;
    }
    slot.owner = owner;
    slot.kept = to;
  }

  /**
   * Forgets the workloads that have no slot any more: their cgroups are gone, and long enough ago
   * that every scraper has seen their last values. A container that ended stays in its pod's sums
   * for as long as the pod lives. At once go those whose name belongs to a later pod.
   */
  void forgetGone() {
    long generation = pods.generation();
    boolean newNames = generation != forgotAt;
    forgotAt = generation;
    long now = System.nanoTime();
    totals
        .values()
        .removeIf(
            k ->
                (newNames && pods.replaced(k.workload))
                    || (k.slots == 0 && k.linger.isOver(pods, k.workload, now)));
  }

  /** Whether one of them is not zero. */
  static boolean any(long[] counts) {
    for (long n : counts) {
      if (n != 0) {
        return true;
      }
    }
    return false;
  }

  void forEach(BiConsumer<Workload, T> consumer) {
    totals.forEach((workload, kept) -> consumer.accept(workload, kept.totals));
  }

  /**
   * Those alone that have series: containers, and what is none (sandboxes, units of the host) from
   * its first use on. Most of those never use TCP, and there are more of them than of containers.
   */
  void forEachShown(Predicate<T> used, BiConsumer<Workload, T> consumer) {
    totals.forEach(
        (workload, kept) -> {
          if (kept.shown || workload.isContainer() || used.test(kept.totals)) {
            kept.shown = true;
            consumer.accept(workload, kept.totals);
          }
        });
  }
}
