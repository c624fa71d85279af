package dev.sonde.agent.peers;

import dev.sonde.ffi.layout.TcpConnectionEvent;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Counts whom workloads connect to from the records of connections, as they are read.
 *
 * <p>{@link #opened} and {@link #failed} are the drain thread's and allocate nothing; {@link #take}
 * is the snapshot thread's. Two tables take turns, so that neither waits for the other for longer
 * than it takes to exchange them.
 */
public final class PeerTap {
  private static final int AF_INET6 = 10;
  private static final ValueLayout.OfLong BYTES =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
  private static final ValueLayout.OfInt FOUR =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

  /** What comes before an IPv4 address in IPv6's form. */
  static final long MAPPED = 0xffffL << 32;

  private PeerTable filling = new PeerTable();
  private PeerTable other = new PeerTable();

  /** A record of a connection that opened. */
  public void opened(MemorySegment e, long at) {
    if (TcpConnectionEvent.reason(e, at) == 0) { // ROLE_CLIENT
      count(e, at, TcpConnectionEvent.REMOTE_OFFSET, PeerTable.ESTABLISHED);
    }
    count(e, at, TcpConnectionEvent.LOCAL_OFFSET, PeerTable.OWN);
  }

  /** A record of a connect that failed. */
  public void failed(MemorySegment e, long at) {
    count(e, at, TcpConnectionEvent.REMOTE_OFFSET, PeerTable.FAILED);
  }

  private void count(MemorySegment e, long at, long address, int kind) {
    boolean v6 = TcpConnectionEvent.family(e, at) == AF_INET6;
    long high = v6 ? e.get(BYTES, at + address) : 0;
    long low =
        v6
            ? e.get(BYTES, at + address + Long.BYTES)
            : MAPPED | Integer.toUnsignedLong(e.get(FOUR, at + address));
    add(TcpConnectionEvent.cgroupId(e, at), high, low, kind);
  }

  private synchronized void add(long cgroupId, long high, long low, int kind) {
    filling.add(cgroupId, high, low, kind);
  }

  /** Everything since the last call. */
  void take(PeerTable.Reader reader) {
    PeerTable full;
    synchronized (this) {
      full = filling;
      filling = other;
      other = full;
    }
    full.empty(reader);
  }
}
