package dev.sonde.exporter.grpc;

import dev.sonde.exporter.events.EventHub;
import dev.sonde.v1.WatchEventsRequest;
import dev.sonde.v1.WatchEventsResponse;
import dev.sonde.v1.WatchStarted;
import io.grpc.stub.ServerCallStreamObserver;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ScheduledExecutorService;

/** All WatchEvents calls: where each begins, and their common end. */
final class EventWatches {
  private final EventHub hub;
  private final ScheduledExecutorService pumps;
  private final Set<EventWatch> open = ConcurrentHashMap.newKeySet();
  private volatile boolean shutdown;

  EventWatches(EventHub hub, ScheduledExecutorService pumps) {
    this.hub = hub;
    this.pumps = pumps;
  }

  /** Begins a watch; must be called before the call's handler returns. */
  void begin(WatchEventsRequest request, ServerCallStreamObserver<WatchEventsResponse> client)
      throws InvalidRequestException {
    EventFilter filter = EventFilter.parse(request);
    Start start = start(request);
    WatchStarted started =
        WatchStarted.newBuilder()
            .setEpoch(hub.epoch())
            .setNewestSequence(start.newest())
            .setResumed(start.resumed())
            .build();
    EventWatch watch =
        new EventWatch(
            hub,
            start.after(),
            filter,
            client,
            CallBudget.CURRENT.get(),
            started,
            pumps,
            open::remove);
    open.add(watch);
    client.setOnReadyHandler(watch::schedule);
    client.setOnCancelHandler(watch::end);
    watch.schedule();
    if (shutdown) {
      watch.shutdown();
    }
  }

  /** Tells every client, and at once each that begins later, that the agent goes. */
  void shutdown() {
    shutdown = true;
    open.forEach(EventWatch::shutdown);
  }

  /** Gives back what watches hold whose clients did not take the message. */
  void close() {
    open.forEach(EventWatch::end);
  }

  /**
   * @param after the sequence after which the watch begins
   * @param newest the newest sequence when it was begun
   */
  private record Start(long after, long newest, boolean resumed) {}

  private Start start(WatchEventsRequest request) throws InvalidRequestException {
    long newest = hub.newestSequence();
    if (!request.hasAfterSequence()) {
      return new Start(newest, newest, false);
    }
    if (request.getEpoch().isEmpty()) {
      throw new InvalidRequestException(
          "epoch", "missing; after_sequence means nothing without the epoch it belongs to");
    }
    if (!request.getEpoch().equals(hub.epoch())) {
      return new Start(0, newest, false);
    }
    long after = request.getAfterSequence();
    if (Long.compareUnsigned(after, newest) > 0) {
      throw new InvalidRequestException(
          "after_sequence",
          Long.toUnsignedString(after) + " is beyond the newest event of this epoch, " + newest);
    }
    return new Start(after, newest, true);
  }
}
