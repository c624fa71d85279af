package dev.sonde.exporter.events;

import dev.sonde.exporter.model.Event;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Hands events from the thread that reads them to any number of watchers, and keeps the newest.
 *
 * <pre>{@code
 * EventHub hub = new EventHub(4096);
 * // the drain thread
 * hub.publish(new Event.TcpRetransmit(hub.nextSequence(), ...));
 * // a watcher
 * EventSubscription watch = hub.subscribe(() -> executor.execute(this::readAll));
 * }</pre>
 *
 * <p>One ring holds the newest {@code retained} events; every watcher reads it at a position of its
 * own. So publishing costs the same with no watcher and with a hundred, a slow watcher costs no
 * memory, and resuming is nothing but starting at an older position: an event can come neither
 * twice nor out of order. A watcher that falls further behind than the ring is long loses the
 * oldest events it has not read; it reads a {@link Delivery.Gap} in their place and {@link #lost}
 * counts them.
 *
 * <p>Threads: {@link #publish} and {@link #nextSequence} belong to one thread; they never block,
 * take no lock and allocate nothing. Everything else may be called by any thread. The hub starts a
 * daemon thread with its first watcher; {@link #close} ends it.
 */
public final class EventHub implements AutoCloseable {
  /** How many events are retained by default: about 1.5 MB of them. */
  public static final int DEFAULT_RETAINED = 4096;

  /**
   * Watchers are woken at most once in this time. It keeps a burst from costing the publishing
   * thread a system call per event; nobody sees a millisecond.
   */
  private static final long PACE_NANOS = 1_000_000;

  private final String epoch = randomName();
  private final int capacity;
  private final AtomicReferenceArray<Event> slots;
  private final List<EventSubscription> subscriptions = new CopyOnWriteArrayList<>();
  private final AtomicLong lost = new AtomicLong();
  private volatile long newest;

  private volatile boolean waiting;
  private volatile boolean closed;
  private volatile @Nullable Thread notifier;

  public EventHub() {
    this(DEFAULT_RETAINED);
  }

  /** To tell hubs apart is all it is for: SecureRandom would load the JDK's security providers. */
  private static String randomName() {
    ThreadLocalRandom random = ThreadLocalRandom.current();
    return new UUID(random.nextLong(), random.nextLong()).toString();
  }

  /**
   * @param retained how many of the newest events are kept; a power of two, at least 16
   */
  public EventHub(int retained) {
    if (retained < 16 || Integer.bitCount(retained) != 1) {
      throw new IllegalArgumentException(
          "retained events: " + retained + " is not a power of two of at least 16");
    }
    this.capacity = retained;
    this.slots = new AtomicReferenceArray<>(retained);
  }

  /** Names this run: sequences are comparable only within one epoch. */
  public String epoch() {
    return epoch;
  }

  /** The sequence that the next event must have: 1 at first. Publishing thread only. */
  public long nextSequence() {
    return newest + 1;
  }

  /** Sequence of the newest event; 0 if there was none. */
  public long newestSequence() {
    return newest;
  }

  /** Sequence of the oldest event that is still retained; 1 if there was none yet. */
  public long oldestSequence() {
    return Math.max(1, newest - capacity + 1);
  }

  /**
   * Makes an event visible to all watchers and retains it.
   *
   * @throws IllegalArgumentException if its sequence is not {@link #nextSequence}: a gap would look
   *     like a loss to every watcher
   */
  // One thread writes `newest`, so that its increment needs no atomicity.
  @SuppressWarnings("NonAtomicVolatileUpdate")
  public void publish(Event event) {
    long sequence = event.sequence();
    if (sequence != newest + 1) {
      throw new IllegalArgumentException(
          "publish event " + sequence + " after " + newest + ": take the number of nextSequence()");
    }
    slots.setRelease(slot(sequence), event);
    newest = sequence;
    // Both volatile: either we see that the notifier waits, or it sees the new event.
    if (waiting) {
      LockSupport.unpark(notifier);
    }
  }

  /**
   * Watches from the next event on.
   *
   * @param wake called by the hub's thread when there is something to read after the watcher went
   *     {@link EventSubscription#idle}, never before; must not block
   */
  public EventSubscription subscribe(Runnable wake) {
    long from = newest;
    return register(new EventSubscription(this, from, from, wake));
  }

  /**
   * Watches from the first event after {@code sequence} on, retained ones first. What is no longer
   * retained is the first {@link Delivery.Gap}; it is not counted as lost, since nobody was slow.
   *
   * @param sequence from 0 (all that is retained) to {@link #newestSequence}
   */
  public EventSubscription subscribeAfter(long sequence, Runnable wake) {
    if (sequence < 0 || sequence > newest) {
      throw new IllegalArgumentException(
          "subscribe after event " + sequence + ": the newest is " + newest);
    }
    long from = Math.max(sequence, oldestSequence() - 1);
    return register(new EventSubscription(this, sequence, from, wake));
  }

  /**
   * How many events watchers lost because they were too slow, each watcher counted for itself:
   * {@code sonde_events_lost_total{where="stream"}}. Never falls.
   */
  public long lost() {
    for (EventSubscription s : subscriptions) {
      s.skipOverwritten(newest);
    }
    return lost.get();
  }

  /** How many watchers there are. */
  public int subscribers() {
    return subscriptions.size();
  }

  /** Ends the hub's thread. Watchers can still read what is retained; nobody wakes them. */
  @Override
  public void close() {
    closed = true;
    LockSupport.unpark(notifier);
  }

  int capacity() {
    return capacity;
  }

  /** What is at the place of this sequence: it, a later one, or nothing yet. */
  @Nullable Event slotOf(long sequence) {
    return slots.getAcquire(slot(sequence));
  }

  void countLost(long events) {
    lost.addAndGet(events);
  }

  void remove(EventSubscription subscription) {
    subscription.skipOverwritten(newest);
    subscriptions.remove(subscription);
  }

  private int slot(long sequence) {
    return (int) sequence & (capacity - 1);
  }

  private EventSubscription register(EventSubscription subscription) {
    subscriptions.add(subscription);
    synchronized (this) {
      if (notifier == null && !closed) {
        notifier = Thread.ofPlatform().daemon().name("sonde-events").start(this::notifyWatchers);
      }
    }
    return subscription;
  }

  private void notifyWatchers() {
    long seen = 0;
    while (!closed) {
      long now = newest;
      if (now != seen) {
        seen = now;
        for (EventSubscription s : subscriptions) {
          s.wakeIfIdle();
        }
        LockSupport.parkNanos(this, PACE_NANOS);
        continue;
      }
      waiting = true;
      if (newest == seen && !closed) {
        LockSupport.park(this);
      }
      waiting = false;
    }
  }
}
