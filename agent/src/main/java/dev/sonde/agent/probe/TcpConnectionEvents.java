package dev.sonde.agent.probe;

import dev.sonde.exporter.model.Event;
import dev.sonde.exporter.model.Workload;
import dev.sonde.ffi.layout.TcpConnectionEvent;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.time.Instant;
import java.util.List;

/** Makes the events of {@code struct tcp_connection_event}: opens, closes, failures, resets. */
final class TcpConnectionEvents {
  /** {@code enum event_kind} of events.h. */
  static final int OPEN = 10;

  static final int CLOSE = 11;
  static final int CONNECT_FAILED = 12;
  static final int RESET = 13;

  private TcpConnectionEvents() {}

  static boolean isKind(int kind) {
    return kind >= OPEN && kind <= RESET;
  }

  static Event event(
      int kind,
      MemorySegment e,
      long at,
      long sequence,
      Instant start,
      Duration duration,
      Workload owner) {
    boolean v6 = TcpConnectionEvent.family(e, at) == Addresses.AF_INET6;
    String local =
        Addresses.format(
            e, at + TcpConnectionEvent.LOCAL_OFFSET, v6, TcpConnectionEvent.localPort(e, at));
    String remote =
        Addresses.format(
            e, at + TcpConnectionEvent.REMOTE_OFFSET, v6, TcpConnectionEvent.remotePort(e, at));
    int reason = TcpConnectionEvent.reason(e, at);
    String state = TcpState.label(TcpConnectionEvent.state(e, at));
    return switch (kind) {
      case OPEN ->
          new Event.TcpOpen(
              sequence, start, duration, owner, label(TcpConnections.ROLES, reason), local, remote);
      case CLOSE ->
          new Event.TcpClose(
              sequence,
              start,
              duration,
              owner,
              label(TcpConnections.CLOSE_REASONS, reason),
              state,
              TcpConnectionEvent.sentBytes(e, at),
              TcpConnectionEvent.receivedBytes(e, at),
              local,
              remote);
      case CONNECT_FAILED ->
          new Event.TcpConnectFailed(
              sequence,
              start,
              duration,
              owner,
              label(TcpConnections.CONNECT_FAILURES, reason),
              local,
              remote);
      case RESET ->
          new Event.TcpReset(
              sequence,
              start,
              duration,
              owner,
              label(TcpConnections.DIRECTIONS, reason),
              state,
              local,
              remote);
      default -> throw new IllegalArgumentException("event kind " + kind);
    };
  }

  /** A number that this agent does not know says so. */
  private static String label(List<String> labels, int number) {
    return number < labels.size() ? labels.get(number) : "unknown";
  }
}
