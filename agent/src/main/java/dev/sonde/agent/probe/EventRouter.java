package dev.sonde.agent.probe;

import dev.sonde.agent.workload.PodTable;
import dev.sonde.exporter.model.Event;
import dev.sonde.exporter.model.Workload;
import dev.sonde.ffi.RecordHandler;
import dev.sonde.ffi.layout.CgroupEvent;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Sends every record where it belongs: what is an event to the sink, what tells of a cgroup to the
 * {@link PodTable}.
 *
 * <p>An event whose owner has no name yet is held back until it has one, or until {@link PodTable}
 * gives it up: those of other owners go on meanwhile. An event gets its sequence when it goes out.
 *
 * <p>Called by the drain thread only.
 */
public final class EventRouter implements RecordHandler {
  private final HeldRecords held = new HeldRecords();
  private final Owners owners = new Owners();
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
