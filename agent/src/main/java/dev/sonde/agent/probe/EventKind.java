package dev.sonde.agent.probe;

import dev.sonde.ffi.layout.CgroupEvent;
import dev.sonde.ffi.layout.ContainerStartEvent;
import dev.sonde.ffi.layout.OomKillEvent;
import dev.sonde.ffi.layout.SchedWaitEvent;
import dev.sonde.ffi.layout.TcpConnectionEvent;
import dev.sonde.ffi.layout.TcpRetransmitEvent;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.jspecify.annotations.Nullable;

/** What a record of the event buffer is: {@code enum event_kind} of events.h. */
enum EventKind {
  TCP_RETRANSMIT(1, TcpRetransmitEvent.SIZE),
  SCHED_WAIT(2, SchedWaitEvent.SIZE),
  CONTAINER_START(3, ContainerStartEvent.SIZE),
  OOM_KILL(4, OomKillEvent.SIZE),
  CGROUP(5, CgroupEvent.SIZE),
  TCP_OPEN(10, TcpConnectionEvent.SIZE),
  TCP_CLOSE(11, TcpConnectionEvent.SIZE),
  TCP_CONNECT_FAILED(12, TcpConnectionEvent.SIZE),
  TCP_RESET(13, TcpConnectionEvent.SIZE),
  TCP_WAIT(14, TcpConnectionEvent.SIZE);

  private static final EventKind[] ALL = values();

  private final int number;
  private final long size;

  EventKind(int number, long size) {
    this.number = number;
    this.size = size;
  }

  /**
   * Null if the kind is not known, or the record too short for its fields: an agent and an object
   * of different builds must not read past the end.
   */
  static @Nullable EventKind of(MemorySegment data, long offset, int length) {
    int number = length < Integer.BYTES ? 0 : data.get(ValueLayout.JAVA_INT_UNALIGNED, offset);
    for (EventKind kind : ALL) {
      if (kind.number == number) {
        return length >= kind.size ? kind : null;
      }
    }
    return null;
  }
}
