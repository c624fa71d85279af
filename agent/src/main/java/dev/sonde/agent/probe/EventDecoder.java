package dev.sonde.agent.probe;

import dev.sonde.agent.workload.LabelValue;
import dev.sonde.agent.workload.PodTable;
import dev.sonde.exporter.model.Event;
import dev.sonde.exporter.model.Workload;
import dev.sonde.ffi.layout.ContainerStartEvent;
import dev.sonde.ffi.layout.OomKillEvent;
import dev.sonde.ffi.layout.SchedWaitEvent;
import dev.sonde.ffi.layout.TcpRetransmitEvent;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;

/** Makes the event of a record whose kind and length {@link EventKind} has checked. */
final class EventDecoder {
  /** TASK_COMM_LEN, its final zero included. */
  private static final int COMMAND_BYTES = OomKillEvent.COMMAND_COUNT;

  /** Who a cgroup is. */
  interface Owners {
    Workload of(long cgroupId);
  }

  private EventDecoder() {}

  static Event decode(EventKind kind, MemorySegment e, long at, long sequence, Owners owners) {
    return switch (kind) {
      case TCP_RETRANSMIT -> retransmit(e, at, sequence, owners);
      case SCHED_WAIT -> wait(e, at, sequence, owners);
      case CONTAINER_START -> containerStart(e, at, sequence, owners);
      case OOM_KILL -> oomKill(e, at, sequence, owners);
      case TCP_OPEN, TCP_CLOSE, TCP_CONNECT_FAILED, TCP_RESET, TCP_WAIT ->
          TcpConnectionEvents.event(kind, e, at, sequence, owners);
      case CGROUP -> throw new IllegalArgumentException("a cgroup record is no event");
    };
  }

  private static Event wait(MemorySegment e, long at, long sequence, Owners owners) {
    long culprit = SchedWaitEvent.culprit(e, at);
    return new Event.SchedWait(
        sequence,
        wallClock(SchedWaitEvent.startNs(e, at)),
        Duration.ofNanos(SchedWaitEvent.durationNs(e, at)),
        owners.of(SchedWaitEvent.victim(e, at)),
        WaitReason.label(SchedWaitEvent.reason(e, at)),
        (int) SchedWaitEvent.cpu(e, at),
        culprit == Slots.NOBODY ? PodTable.IDLE : owners.of(culprit));
  }

  private static Event containerStart(MemorySegment e, long at, long sequence, Owners owners) {
    return new Event.ContainerStart(
        sequence,
        wallClock(ContainerStartEvent.timeNs(e, at)),
        Duration.ofNanos(ContainerStartEvent.firstByteNs(e, at)),
        owners.of(ContainerStartEvent.cgroupId(e, at)),
        Duration.ofNanos(ContainerStartEvent.listenNs(e, at)),
        Duration.ofNanos(ContainerStartEvent.acceptNs(e, at)));
  }

  private static Event oomKill(MemorySegment e, long at, long sequence, Owners owners) {
    return new Event.OomKill(
        sequence,
        wallClock(OomKillEvent.timeNs(e, at)),
        Duration.ZERO,
        owners.of(OomKillEvent.cgroupId(e, at)),
        (int) OomKillEvent.pid(e, at),
        command(e, at + OomKillEvent.COMMAND_OFFSET));
  }

  /** A process names itself: any bytes, with a zero at the end. */
  private static String command(MemorySegment e, long at) {
    byte[] bytes = new byte[COMMAND_BYTES];
    int n = 0;
    while (n < COMMAND_BYTES && e.get(ValueLayout.JAVA_BYTE, at + n) != 0) {
      bytes[n] = e.get(ValueLayout.JAVA_BYTE, at + n);
      n++;
    }
    return LabelValue.clean(new String(bytes, 0, n, StandardCharsets.UTF_8), 3 * COMMAND_BYTES);
  }

  private static Event retransmit(MemorySegment e, long at, long sequence, Owners owners) {
    boolean v6 = TcpRetransmitEvent.family(e, at) == Addresses.AF_INET6;
    return new Event.TcpRetransmit(
        sequence,
        wallClock(TcpRetransmitEvent.timeNs(e, at)),
        Duration.ZERO,
        owners.of(TcpRetransmitEvent.cgroupId(e, at)),
        RetransmitType.label(TcpRetransmitEvent.type(e, at)),
        (int) TcpRetransmitEvent.segments(e, at),
        TcpState.label(TcpRetransmitEvent.state(e, at)),
        Addresses.format(
            e, at + TcpRetransmitEvent.LOCAL_OFFSET, v6, TcpRetransmitEvent.localPort(e, at)),
        Addresses.format(
            e, at + TcpRetransmitEvent.REMOTE_OFFSET, v6, TcpRetransmitEvent.remotePort(e, at)));
  }

  /**
   * The kernel's clock is CLOCK_MONOTONIC, and so is {@link System#nanoTime} on Linux: the same
   * zero.
   */
  static Instant wallClock(long monotonicNanos) {
    return Instant.now().minusNanos(System.nanoTime() - monotonicNanos);
  }
}
