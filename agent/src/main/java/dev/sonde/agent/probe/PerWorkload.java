package dev.sonde.agent.probe;

import dev.sonde.agent.workload.PodTable;
import dev.sonde.exporter.model.Workload;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Turns the kernel's free-running counters of slots into totals of workloads.
 *
 * <p>Two cgroups of one container add up in one total; a slot that changes its owner goes on
 * counting for the new one from where it stood. Owned by the snapshot thread.
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
  private final Map<Workload, T> totals = new LinkedHashMap<>();

  /** What is known of a slot. */
  private static final class Slot<L, T> {
    final L last;
    long owner = Slots.NOBODY;
    @Nullable T totals;
    @Nullable Workload workload;

    Slot(L last) {
      this.last = last;
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
    for (int i = 0; i < end; i++) {
      if (i == known.size()) {
        known.add(new Slot<>(freshSlot.get()));
      }
      Slot<L, T> slot = known.get(i);
      long owner = slots.owner(i);
      if (owner == Slots.NOBODY) {
        slot.owner = owner;
        slot.totals = null;
        slot.workload = null;
        continue;
      }
      if (slot.owner != owner || slot.totals == null) {
        Workload workload = pods.find(owner);
        slot.totals = null;
        slot.workload = workload;
        if (workload == null) {
          // the kernel does not say just now: its counts wait in the row for the next look
          continue;
        }
        slot.owner = owner;
        slot.totals = totals.computeIfAbsent(workload, freshTotals);
      }
      reader.read(i, slot.last, slot.totals);
    }
  }

  /** The totals of a slot's workload; null for a slot that is free or not yet named. */
  @Nullable T at(int slot) {
    return slot < known.size() ? known.get(slot).totals : null;
  }

  /** The workload that a slot belonged to at the last {@link #read}; null likewise. */
  @Nullable Workload workload(int slot) {
    return slot < known.size() ? known.get(slot).workload : null;
  }

  /**
   * Forgets the workloads that have no slot any more: their cgroups are gone, and long enough ago
   * that every scraper has seen their last values.
   */
  void forgetGone() {
    Set<T> held = Collections.newSetFromMap(new IdentityHashMap<>());
    for (Slot<L, T> slot : known) {
      if (slot.owner != Slots.NOBODY && slot.totals != null) {
        held.add(slot.totals);
      }
    }
    totals.values().removeIf(t -> !held.contains(t));
  }

  void forEach(BiConsumer<Workload, T> consumer) {
    totals.forEach(consumer);
  }
}
