package dev.sonde.agent.probe;

import java.util.function.IntToLongFunction;
import java.util.function.LongSupplier;

/**
 * Notices, from memory alone, that something was counted for a workload for the first time, so that
 * it need not wait for the next snapshot to be seen.
 *
 * <p>A look reads one word for each slot: 2 us for 2,048. Owned by the thread that calls {@link
 * #look}; others change the owners meanwhile.
 */
final class SlotWatch {
  private static final long EVERY_NANOS = 100_000_000L;

  private final IntToLongFunction owner;
  private final long[] last;
  private final Runnable fresh;
  private final LongSupplier nanoClock;
  private long lookedAt;

  /**
   * @param owner of a slot, or {@link Slots#NOBODY}
   * @param fresh called when a slot has an owner that it had not
   */
  SlotWatch(IntToLongFunction owner, int slots, Runnable fresh, LongSupplier nanoClock) {
    this.owner = owner;
    this.last = new long[slots];
    this.fresh = fresh;
    this.nanoClock = nanoClock;
    this.lookedAt = nanoClock.getAsLong() - EVERY_NANOS;
  }

  /** Looks, but not more often than ten times a second. */
  void look() {
    long now = nanoClock.getAsLong();
    if (now - lookedAt < EVERY_NANOS) {
      return;
    }
    lookedAt = now;
    boolean any = false;
    for (int i = 0; i < last.length; i++) {
      long id = owner.applyAsLong(i);
      if (id != last[i]) {
        last[i] = id;
        any |= id != Slots.NOBODY;
      }
    }
    if (any) {
      fresh.run();
    }
  }
}
