package dev.sonde.exporter.grpc;

import dev.sonde.exporter.model.Event;
import dev.sonde.v1.EventKind;
import dev.sonde.v1.WatchEventsRequest;
import java.util.EnumSet;
import java.util.Set;

/** Which events a watch wants. Not thread-safe: see {@link LabelCondition}. */
final class EventFilter {
  private final LabelSelector owners;

  /** Empty: all. */
  private final Set<EventKind> kinds;

  private EventFilter(LabelSelector owners, Set<EventKind> kinds) {
    this.owners = owners;
    this.kinds = kinds;
  }

  static EventFilter parse(WatchEventsRequest request) throws InvalidRequestException {
    Set<EventKind> kinds = EnumSet.noneOf(EventKind.class);
    for (int i = 0; i < request.getKindsCount(); i++) {
      EventKind kind = request.getKinds(i);
      if (kind == EventKind.UNRECOGNIZED || kind == EventKind.EVENT_KIND_UNSPECIFIED) {
        throw new InvalidRequestException(
            "kinds[" + i + "]", "this agent does not know kind " + request.getKindsValue(i));
      }
      kinds.add(kind);
    }
    return new EventFilter(LabelSelector.ofWorkloads(request.getMatchersList()), kinds);
  }

  boolean wants(Event event) {
    return (kinds.isEmpty() || kinds.contains(kindOf(event))) && owners.matches(event.workload());
  }

  private static EventKind kindOf(Event event) {
    return switch (event) {
      case Event.TcpRetransmit _ -> EventKind.EVENT_KIND_TCP_RETRANSMIT;
      case Event.SchedWait _ -> EventKind.EVENT_KIND_SCHED_WAIT;
      case Event.TcpOpen _ -> EventKind.EVENT_KIND_TCP_OPEN;
      case Event.TcpClose _ -> EventKind.EVENT_KIND_TCP_CLOSE;
      case Event.TcpConnectFailed _ -> EventKind.EVENT_KIND_TCP_CONNECT_FAILED;
      case Event.TcpReset _ -> EventKind.EVENT_KIND_TCP_RESET;
      case Event.TcpFinding _ -> EventKind.EVENT_KIND_TCP_FINDING;
      case Event.TcpWait _ -> EventKind.EVENT_KIND_TCP_WAIT;
      case Event.ContainerStart _ -> EventKind.EVENT_KIND_CONTAINER_START;
      case Event.OomKill _ -> EventKind.EVENT_KIND_OOM_KILL;
    };
  }
}
