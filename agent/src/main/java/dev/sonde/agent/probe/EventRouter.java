package dev.sonde.agent.probe;

import dev.sonde.agent.workload.PodTable;
import dev.sonde.exporter.model.Event;
import dev.sonde.exporter.model.Workload;
import dev.sonde.ffi.RecordHandler;
import dev.sonde.ffi.layout.CgroupEvent;
import dev.sonde.ffi.layout.SchedWaitEvent;
import dev.sonde.ffi.layout.TcpConnectionEvent;
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
 * <p>An event whose owner has no name yet is held back until it has one, or until {@link PodTable}
 * gives it up: those of other owners go on meanwhile. An event gets its sequence when it goes out.
 *
 * <p>Called by the drain thread only. Records come from the kernel's own buffer, but a length is
 * still checked before a field is read: an agent and an object of different builds must not read
 * past the end.
 */
public final class EventRouter implements RecordHandler {
  /** {@code enum event_kind} of events.h. */
  private static final int TCP_RETRANSMIT = 1;

  private static final int SCHED_WAIT = 2;

  private static final int CGROUP = 5;

  /** Stands for an owner whose name is waited for. */
  private static final Workload WAITING = Workload.unit("~waiting");

  private final HeldRecords held = new HeldRecords();
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
  public void record(MemorySegment data, long offset, int length) {
    if (!route(data, offset, length, false) && !held.add(data, offset, length)) {
      route(data, offset, length, true);
    }
  }

  /** Sends what was held back and has an owner now. The drain calls it after each pass. */
  public void release() {
    if (!held.isEmpty()) {
      held.retry(r -> route(r, 0, (int) r.byteSize(), false));
    }
  }

  /**
   * @param now name it now, as well as can be
   * @return false if its owner's name is waited for
   */
  @SuppressWarnings("NonAtomicVolatileUpdate") // the drain thread is the only writer
  private boolean route(MemorySegment data, long offset, int length, boolean now) {
    int kind = length < Integer.BYTES ? 0 : data.get(ValueLayout.JAVA_INT_UNALIGNED, offset);
    if (kind == TCP_RETRANSMIT && length >= TcpRetransmitEvent.SIZE) {
      return send(retransmit(data, offset, now));
    } else if (kind == SCHED_WAIT && length >= SchedWaitEvent.SIZE) {
      return send(wait(data, offset, now));
    } else if (TcpConnectionEvents.isKind(kind) && length >= TcpConnectionEvent.SIZE) {
      return send(connection(kind, data, offset, now));
    } else if (kind == CGROUP && length >= CgroupEvent.SIZE) {
      cgroup(data, offset);
    } else {
      malformed++;
    }
    return true;
  }

  private boolean send(Event event) {
    if (event.workload().equals(WAITING)
        || (event instanceof Event.SchedWait w && w.culprit().equals(WAITING))) {
      return false;
    }
    sequence++;
    sink.accept(event);
    return true;
  }

  private Workload owner(long cgroupId, boolean now) {
    Workload owner = now ? pods.workload(cgroupId) : pods.find(cgroupId);
    return owner == null ? WAITING : owner;
  }

  private void cgroup(MemorySegment e, long at) {
    long id = CgroupEvent.cgroupId(e, at);
    if (CgroupEvent.removed(e, at) != 0) {
      pods.removed(id);
      return;
    }
    int size = (int) Math.min(CgroupEvent.pathSize(e, at), CgroupEvent.PATH_COUNT);
    boolean whole = size > 1 && size < CgroupEvent.PATH_COUNT;
    byte[] path = new byte[whole ? size - 1 : 0];
    MemorySegment.copy(
        e, ValueLayout.JAVA_BYTE, at + CgroupEvent.PATH_OFFSET, path, 0, path.length);
    pods.made(id, new String(path, StandardCharsets.UTF_8));
  }

  private Event wait(MemorySegment e, long at, boolean now) {
    long culprit = SchedWaitEvent.culprit(e, at);
    return new Event.SchedWait(
        sequence + 1,
        wallClock(SchedWaitEvent.startNs(e, at)),
        Duration.ofNanos(SchedWaitEvent.durationNs(e, at)),
        owner(SchedWaitEvent.victim(e, at), now),
        WaitReason.label(SchedWaitEvent.reason(e, at)),
        (int) SchedWaitEvent.cpu(e, at),
        culprit == Slots.NOBODY ? PodTable.IDLE : owner(culprit, now));
  }

  private Event connection(int kind, MemorySegment e, long at, boolean now) {
    long ended = TcpConnectionEvent.timeNs(e, at);
    long nanos = kind == TcpConnectionEvents.RESET ? 0 : TcpConnectionEvent.durationNs(e, at);
    return TcpConnectionEvents.event(
        kind,
        e,
        at,
        sequence + 1,
        wallClock(ended - nanos),
        Duration.ofNanos(nanos),
        owner(TcpConnectionEvent.cgroupId(e, at), now));
  }

  private Event retransmit(MemorySegment e, long at, boolean now) {
    boolean v6 = TcpRetransmitEvent.family(e, at) == Addresses.AF_INET6;
    return new Event.TcpRetransmit(
        sequence + 1,
        wallClock(TcpRetransmitEvent.timeNs(e, at)),
        Duration.ZERO,
        owner(TcpRetransmitEvent.cgroupId(e, at), now),
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
