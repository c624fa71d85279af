package dev.sonde.agent.probe;

import dev.sonde.agent.workload.LabelValue;
import dev.sonde.agent.workload.PodTable;
import dev.sonde.exporter.model.Event;
import dev.sonde.ffi.RecordHandler;
import dev.sonde.ffi.layout.ContainerStartEvent;
import dev.sonde.ffi.layout.OomKillEvent;
import dev.sonde.ffi.layout.TcpRetransmitEvent;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.function.Consumer;

/**
 * Reads a record's kind and makes the event of it.
 *
 * <p>Called by the drain thread only. Records come from the kernel's own buffer, but a length is
 * still checked before a field is read: an agent and an object of different builds must not read
 * past the end.
 */
public final class EventRouter implements RecordHandler {
  /** {@code enum event_kind} of events.h. */
  private static final int TCP_RETRANSMIT = 1;

  private static final int CONTAINER_START = 3;
  private static final int OOM_KILL = 4;

  /** TASK_COMM_LEN, its final zero included. */
  private static final int COMMAND_BYTES = OomKillEvent.COMMAND_COUNT;

  private final PodTable pods;
  private final Consumer<Event> sink;
  private long sequence;
  private volatile long malformed;

  public EventRouter(PodTable pods, Consumer<Event> sink) {
    this.pods = pods;
    this.sink = sink;
  }

  /** Records whose kind or length is not known to this build. */
  public long malformed() {
    return malformed;
  }

  @Override
  @SuppressWarnings("NonAtomicVolatileUpdate") // the drain thread is the only writer
  public void record(MemorySegment data, long offset, int length) {
    int kind = length < Integer.BYTES ? 0 : data.get(ValueLayout.JAVA_INT_UNALIGNED, offset);
    if (kind == TCP_RETRANSMIT && length >= TcpRetransmitEvent.SIZE) {
      sink.accept(retransmit(data, offset));
    } else if (kind == CONTAINER_START && length >= ContainerStartEvent.SIZE) {
      sink.accept(containerStart(data, offset));
    } else if (kind == OOM_KILL && length >= OomKillEvent.SIZE) {
      sink.accept(oomKill(data, offset));
    } else {
      malformed++;
    }
  }

  private Event containerStart(MemorySegment e, long at) {
    return new Event.ContainerStart(
        ++sequence,
        wallClock(ContainerStartEvent.timeNs(e, at)),
        Duration.ofNanos(ContainerStartEvent.firstByteNs(e, at)),
        pods.workload(ContainerStartEvent.cgroupId(e, at)),
        Duration.ofNanos(ContainerStartEvent.listenNs(e, at)),
        Duration.ofNanos(ContainerStartEvent.acceptNs(e, at)));
  }

  private Event oomKill(MemorySegment e, long at) {
    return new Event.OomKill(
        ++sequence,
        wallClock(OomKillEvent.timeNs(e, at)),
        Duration.ZERO,
        pods.workload(OomKillEvent.cgroupId(e, at)),
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

  private Event retransmit(MemorySegment e, long at) {
    boolean v6 = TcpRetransmitEvent.family(e, at) == Addresses.AF_INET6;
    return new Event.TcpRetransmit(
        ++sequence,
        wallClock(TcpRetransmitEvent.timeNs(e, at)),
        Duration.ZERO,
        pods.workload(TcpRetransmitEvent.cgroupId(e, at)),
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
  private static Instant wallClock(long monotonicNanos) {
    return Instant.now().minusNanos(System.nanoTime() - monotonicNanos);
  }
}
