package dev.sonde.exporter.grpc;

import dev.sonde.exporter.events.Delivery;
import dev.sonde.exporter.events.EventHub;
import dev.sonde.exporter.events.EventSubscription;
import dev.sonde.v1.WatchEventsResponse;
import dev.sonde.v1.WatchStarted;
import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/**
 * One WatchEvents call: moves events from its subscription to the client, as fast as the client
 * takes them.
 *
 * <p>Nothing is queued here: while the client is not ready the events stay in the hub's ring, and
 * what the ring cannot hold becomes a {@code lost} message.
 *
 * <p>Threads: {@link #pump} runs on the pumps' executor, never twice at once, and only it speaks to
 * the client. Whatever may have made it possible to go on calls {@link #schedule}.
 */
final class EventWatch {
  /** Then other watches have their turn. */
  private static final int BATCH = 256;

  /** Then a client that did not take what it was sent is looked at again. */
  private static final long STALL_MILLIS = 50;

  private final EventSubscription events;
  private final EventFilter filter;
  private final ServerCallStreamObserver<WatchEventsResponse> client;
  private final ClientConnection connection;
  private final WatchStarted started;
  private final ScheduledExecutorService pumps;
  private final Consumer<EventWatch> onEnd;

  /** How often it was scheduled since the last pump that went idle. */
  private final AtomicInteger scheduled = new AtomicInteger();

  private final AtomicBoolean ended = new AtomicBoolean();
  private volatile boolean shutdown;
  private boolean startedSent;

  /**
   * Takes its place in the hub; {@link #schedule} begins.
   *
   * @param after the sequence after which it begins
   * @param onEnd called once, when the client or the agent ended it
   */
  EventWatch(
      EventHub hub,
      long after,
      EventFilter filter,
      ServerCallStreamObserver<WatchEventsResponse> client,
      ClientConnection connection,
      WatchStarted started,
      ScheduledExecutorService pumps,
      Consumer<EventWatch> onEnd) {
    this.filter = filter;
    this.client = client;
    this.connection = connection;
    this.started = started;
    this.pumps = pumps;
    this.onEnd = onEnd;
    // Nobody is woken before it went idle, so not before this constructor has returned.
    this.events = hub.subscribeAfter(after, this::schedule);
  }

  void schedule() {
    if (scheduled.getAndIncrement() == 0) {
      pumps.execute(this::pump);
    }
  }

  /** The agent goes: the client is told. */
  void shutdown() {
    shutdown = true;
    schedule();
  }

  private void pump() {
    int seen = scheduled.get();
    boolean more;
    try {
      more = send();
    } catch (RuntimeException e) {
      // A bug of ours must not leave the call hanging, nor end the pumps' thread.
      end();
      client.onError(Status.INTERNAL.withDescription("watch failed: " + e).asRuntimeException());
      more = false;
    }
    if (more || scheduled.addAndGet(-seen) != 0) {
      pumps.execute(this::pump);
    }
  }

  /** Whether there is more to send to a client that takes it. */
  private boolean send() {
    if (ended.get()) {
      return false;
    }
    if (shutdown) {
      end();
      client.onError(
          Status.UNAVAILABLE.withDescription("the agent is shutting down").asRuntimeException());
      return false;
    }
    for (int i = 0; i < BATCH; i++) {
      if (!client.isReady()) {
        return false; // onReady schedules
      }
      if (connection.stalled()) {
        var _ = pumps.schedule(this::schedule, STALL_MILLIS, TimeUnit.MILLISECONDS);
        return false;
      }
      if (!startedSent) {
        startedSent = true;
        client.onNext(WatchEventsResponse.newBuilder().setStarted(started).build());
        continue;
      }
      switch (events.poll()) {
        case null -> {
          if (events.idle()) {
            return false; // the hub schedules
          }
        }
        case Delivery.Gap gap ->
            client.onNext(WatchEventsResponse.newBuilder().setLost(Messages.lost(gap)).build());
        case Delivery.Next(var event) -> {
          if (filter.wants(event)) {
            client.onNext(WatchEventsResponse.newBuilder().setEvent(Messages.event(event)).build());
          }
        }
      }
    }
    return true;
  }

  /** The client is gone. Harmless if it ended already. */
  void end() {
    if (ended.compareAndSet(false, true)) {
      events.close();
      onEnd.accept(this);
    }
  }
}
