package dev.sonde.agent.probe;

import dev.sonde.agent.peers.PeerTap;
import dev.sonde.agent.workload.PodTable;
import dev.sonde.exporter.model.Event;
import dev.sonde.exporter.model.Workload;
import dev.sonde.ffi.RecordHandler;
import dev.sonde.ffi.layout.CgroupEvent;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.function.LongFunction;
import org.jspecify.annotations.Nullable;

/**
 * Sends every record where it belongs: what is an event to the sink, what tells of a cgroup to the
 * {@link PodTable}.
 *
 * <p>An event whose owner has no name yet is held back until it has one, or until {@link PodTable}
 * gives it up: those of other owners go on meanwhile. An event gets its sequence when it goes out.
 *
 * <p>Called by the drain thread only, but for {@link #offer}.
 */
public final class EventRouter implements RecordHandler {
  private static final int MOST_OFFERED = 1024;

  private final HeldRecords held = new HeldRecords();
  private final Owners owners = new Owners();
  private final @Nullable PeerTap peers;
  private final PodTable pods;
  private final Consumer<Event> sink;
  private final ArrayBlockingQueue<LongFunction<Event>> offered =
      new ArrayBlockingQueue<>(MOST_OFFERED);
  private final AtomicLong refused = new AtomicLong();
  private long sequence;
  private volatile long malformed;

  public EventRouter(PodTable pods, Consumer<Event> sink) {
    this(pods, sink, null);
  }

  /**
   * @param peers counts destinations; null: nobody wants to know
   */
  public EventRouter(PodTable pods, Consumer<Event> sink, @Nullable PeerTap peers) {
    this.pods = pods;
    this.peers = peers;
    this.sink = sink;
  }

  /** Records whose kind or length is not known to this build. */
  public long malformed() {
    return malformed;
  }

  @Override
  public void record(MemorySegment data, long offset, int length) {
    if (peers != null) {
      tap(peers, data, offset, length);
    }
    if (!route(data, offset, length, false) && !held.add(data, offset, length)) {
      route(data, offset, length, true);
    }
  }

  private static void tap(PeerTap peers, MemorySegment data, long offset, int length) {
    EventKind kind = EventKind.of(data, offset, length);
    if (kind == EventKind.TCP_OPEN) {
      peers.opened(data, offset);
    } else if (kind == EventKind.TCP_CONNECT_FAILED) {
      peers.failed(data, offset);
    }
  }

  /**
   * Hands in an event that no record tells of; the drain sends it after its pass. Any thread, never
   * waits; one too many is counted: {@link #refused}.
   *
   * @param event makes it, given its sequence
   */
  public void offer(LongFunction<Event> event) {
    if (!offered.offer(event)) {
      refused.incrementAndGet();
    }
  }

  /** Events handed in while too many waited. */
  public long refused() {
    return refused.get();
  }

  /** Sends what was handed in, and what was held back and has an owner now: after each pass. */
  public void release() {
    for (LongFunction<Event> event = offered.poll(); event != null; event = offered.poll()) {
      sink.accept(event.apply(++sequence));
    }
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
    EventKind kind = EventKind.of(data, offset, length);
    if (kind == null) {
      malformed++;
    } else if (kind == EventKind.CGROUP) {
      cgroup(data, offset);
    } else {
      owners.reset(now);
      Event event = EventDecoder.decode(kind, data, offset, sequence + 1, owners);
      if (owners.waiting) {
        return false;
      }
      sequence++;
      sink.accept(event);
    }
    return true;
  }

  /** Names the owners of one event, and remembers whether all of them have a name. */
  private final class Owners implements EventDecoder.Owners {
    private boolean now;
    private boolean waiting;

    void reset(boolean namedNow) {
      now = namedNow;
      waiting = false;
    }

    @Override
    public Workload of(long cgroupId) {
      @Nullable Workload owner = now ? pods.workload(cgroupId) : pods.find(cgroupId);
      if (owner == null) {
        waiting = true;
        return PodTable.UNKNOWN; // the event is made again when there is a name
      }
      return owner;
    }
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
}
