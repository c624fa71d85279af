package dev.sonde.exporter.events;

import dev.sonde.exporter.model.Event;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * One watcher's position in an {@link EventHub}.
 *
 * <pre>{@code
 * do {
 *   for (Delivery d = watch.poll(); d != null; d = watch.poll()) {
 *     handle(d);
 *   }
 * } while (!watch.idle()); // now `wake` is called once when there is more
 * }</pre>
 *
 * <p>Owned by whoever subscribed: it must be closed; twice is harmless. {@link #poll} and {@link
 * #idle} belong to one thread at a time, {@link #close} to any.
 */
public final class EventSubscription implements AutoCloseable {
  private final EventHub hub;
  private final Runnable wake;

  /** The last sequence that is read or given up; moved by the reader and by whoever sees a loss. */
  private final AtomicLong position;

  private final AtomicBoolean idle = new AtomicBoolean();
  private final AtomicBoolean closed = new AtomicBoolean();

  /** The last sequence that {@link #poll} has told of, as an event or within a gap. */
  private long told;

  EventSubscription(EventHub hub, long told, long position, Runnable wake) {
    this.hub = hub;
    this.told = told;
    this.position = new AtomicLong(position);
    this.wake = wake;
  }

  /** The next event or gap, in ascending sequence; null if there is none now. */
  public @Nullable Delivery poll() {
    while (true) {
      long at = position.get();
      if (at != told) {
        Delivery.Gap gap = new Delivery.Gap(told + 1, at);
        told = at;
        return gap;
      }
      long wanted = at + 1;
      if (wanted > hub.newestSequence()) {
        return null;
      }
      Event event = hub.slotOf(wanted);
      if (event != null && event.sequence() == wanted) {
        // Fails if a loss was counted meanwhile: then this event is part of it.
        if (position.compareAndSet(at, wanted)) {
          told = wanted;
          return new Delivery.Next(event);
        }
      } else if (event != null) {
        // Overwritten by an event that may not have been counted in `newest` yet.
        skipOverwritten(event.sequence());
      }
    }
  }

  /**
   * Says that the reader stops until it is woken.
   *
   * @return false if there is something to read already: then read on, nobody will wake
   */
  public boolean idle() {
    idle.set(true);
    return !hasMore() || !idle.compareAndSet(true, false);
  }

  /** Stops watching. What it lost stays counted. */
  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      hub.remove(this);
    }
  }

  void wakeIfIdle() {
    if (hasMore() && idle.compareAndSet(true, false)) {
      try {
        wake.run();
      } catch (RuntimeException e) {
        // A watcher that cannot be woken is none; the others must not suffer.
        close();
      }
    }
  }

  /**
   * Gives up what the ring no longer holds, and an eighth of the ring more: else a watcher that is
   * a little too slow would lose an event after each one it reads.
   */
  void skipOverwritten(long newest) {
    long at = position.get();
    long oldest = newest - hub.capacity() + 1;
    if (at + 1 >= oldest) {
      return;
    }
    long target = oldest - 1 + hub.capacity() / 8;
    if (position.compareAndSet(at, target)) {
      hub.countLost(target - at);
    }
  }

  private boolean hasMore() {
    return position.get() < hub.newestSequence();
  }
}
