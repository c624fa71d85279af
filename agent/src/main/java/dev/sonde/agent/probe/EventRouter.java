package dev.sonde.agent.probe;

import dev.sonde.agent.workload.PodTable;
import dev.sonde.exporter.model.Event;
import dev.sonde.ffi.RecordHandler;
import dev.sonde.ffi.layout.SchedWaitEvent;
import dev.sonde.ffi.layout.TcpRetransmitEvent;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
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

  private static final int SCHED_WAIT = 2;

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
    } else if (kind == SCHED_WAIT && length >= SchedWaitEvent.SIZE) {
      sink.accept(wait(data, offset));
    } else {
      malformed++;
    }
  }

  private Event wait(MemorySegment e, long at) {
    long culprit = SchedWaitEvent.culprit(e, at);
    return new Event.SchedWait(
        ++sequence,
        wallClock(SchedWaitEvent.startNs(e, at)),
        Duration.ofNanos(SchedWaitEvent.durationNs(e, at)),
        pods.workload(SchedWaitEvent.victim(e, at)),
        WaitReason.label(SchedWaitEvent.reason(e, at)),
        (int) SchedWaitEvent.cpu(e, at),
        culprit == Slots.NOBODY ? PodTable.IDLE : pods.workload(culprit));
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
