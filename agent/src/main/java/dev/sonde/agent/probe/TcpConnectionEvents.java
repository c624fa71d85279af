package dev.sonde.agent.probe;

import dev.sonde.exporter.model.Event;
import dev.sonde.exporter.model.Workload;
import dev.sonde.ffi.layout.TcpConnectionEvent;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.time.Instant;
import java.util.List;

/**
 * Makes the events of {@code struct tcp_connection_event}: opens, closes, failures, resets, long
 * waits.
 */
final class TcpConnectionEvents {
  private TcpConnectionEvents() {}

  static Event event(
      EventKind kind, MemorySegment e, long at, long sequence, EventDecoder.Owners owners) {
    long nanos = kind == EventKind.TCP_RESET ? 0 : TcpConnectionEvent.durationNs(e, at);
    Instant start = EventDecoder.wallClock(TcpConnectionEvent.timeNs(e, at) - nanos);
    Duration duration = Duration.ofNanos(nanos);
    Workload owner = owners.of(TcpConnectionEvent.cgroupId(e, at));
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
      case TCP_OPEN ->
          new Event.TcpOpen(
              sequence, start, duration, owner, label(TcpConnections.ROLES, reason), local, remote);
      case TCP_CLOSE ->
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
      case TCP_CONNECT_FAILED ->
          new Event.TcpConnectFailed(
              sequence,
              start,
              duration,
              owner,
              label(TcpConnections.CONNECT_FAILURES, reason),
              local,
              remote);
      case TCP_RESET ->
          new Event.TcpReset(
              sequence,
              start,
              duration,
              owner,
              label(TcpConnections.DIRECTIONS, reason),
              state,
              local,
              remote);
      case TCP_WAIT ->
          new Event.TcpWait(
              sequence,
              start,
              duration,
              owner,
              label(TcpLatencies.WAITS, reason),
              state,
              local,
              remote);
      case TCP_RETRANSMIT, SCHED_WAIT, CONTAINER_START, OOM_KILL, CGROUP ->
          throw new IllegalArgumentException(kind + " is no event of a connection");
    };
  }

  /** A number that this agent does not know says so. */
  private static String label(List<String> labels, int number) {
    return number < labels.size() ? labels.get(number) : "unknown";
  }
}
