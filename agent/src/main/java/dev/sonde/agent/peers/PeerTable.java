package dev.sonde.agent.peers;

import java.util.Arrays;

/**
 * How often each workload met each address since the table was emptied: counts by cgroup, address
 * and what happened.
 *
 * <p>Of fixed size; {@link #add} allocates nothing. What does not fit is not counted here: whoever
 * reads it knows the whole from elsewhere. Not thread-safe: {@link PeerTap} guards it.
 */
final class PeerTable {
  /** A connect that succeeded, one that failed, and an address of the workload's own. */
  static final int ESTABLISHED = 0;

  static final int FAILED = 1;
  static final int OWN = 2;

  private static final int PLACES = 1 << 14;
  private static final int MOST = PLACES / 4 * 3;

  private final long[] cgroups = new long[PLACES];
  private final long[] high = new long[PLACES];
  private final long[] low = new long[PLACES];
  private final byte[] kinds = new byte[PLACES];
  private final int[] counts = new int[PLACES];
  private int size;

  /** Takes one entry. */
  interface Reader {
    void read(long cgroupId, long high, long low, int kind, int count);
  }

  /** Counts one; IPv4 addresses are mapped ones. False if there is no room for another. */
  boolean add(long cgroupId, long addressHigh, long addressLow, int kind) {
    long mixed =
        (((cgroupId * 31 + addressHigh) * 31 + addressLow) * 31 + kind) * 0x9E3779B97F4A7C15L;
    for (int i = (int) (mixed >>> 50); ; i = (i + 1) & (PLACES - 1)) {
      if (counts[i] == 0) {
        if (size == MOST) {
          return false;
        }
        size++;
        cgroups[i] = cgroupId;
        high[i] = addressHigh;
        low[i] = addressLow;
        kinds[i] = (byte) kind;
        counts[i] = 1;
        return true;
      }
      if (low[i] == addressLow
          && high[i] == addressHigh
          && cgroups[i] == cgroupId
          && kinds[i] == kind) {
        counts[i]++;
        return true;
      }
    }
  }

  int size() {
    return size;
  }

  /** Hands every entry out and forgets it. */
  void empty(Reader reader) {
    if (size == 0) {
      return;
    }
    for (int i = 0; i < PLACES; i++) {
      if (counts[i] > 0) {
        reader.read(cgroups[i], high[i], low[i], kinds[i], counts[i]);
      }
    }
    Arrays.fill(counts, 0);
    size = 0;
  }
}
