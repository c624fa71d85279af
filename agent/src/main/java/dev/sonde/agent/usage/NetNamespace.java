package dev.sonde.agent.usage;

import dev.sonde.ffi.SmallFiles;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * The TCP counters of one network namespace, read through a process that is in it.
 *
 * <p>Its files are opened for each look: an open one would keep the namespace, and with it the
 * pod's network device, in the kernel after the pod's end.
 *
 * <p>Owned by the snapshot thread. Source of the definitions: {@code net/ipv4/proc.c}; {@code tw}
 * of sockstat has the sockets of IPv6 in it, and those in FIN_WAIT_2 that no process holds.
 */
final class NetNamespace {
  static final int OVERFLOWS = 0;
  static final int DROPS = 1;
  static final int ZERO_WINDOWS = 2;
  static final int COUNTERS = 3;

  private static final byte[][] NAMES = {
    StatText.key("ListenOverflows"), StatText.key("ListenDrops"), StatText.key("TCPToZeroWindowAdv")
  };
  private static final byte[] TCP = StatText.key("TCP:");
  private static final byte[] TIME_WAIT = StatText.key(" tw ");

  /** Its inode: {@code net:[4026531840]}. */
  final long inode;

  /** What was last read, and what came since the look before. */
  private final long[] last = new long[COUNTERS];

  private final long[] now = new long[COUNTERS];
  final long[] step = new long[COUNTERS];

  /** Sockets in TIME_WAIT; {@link StatText#ABSENT} if that was not to be read. */
  long timeWait = StatText.ABSENT;

  /** Some process in it; 0: none is known. */
  int pid;

  /** The process that these are of. */
  private int namedPid;

  private String netstat = "";
  private String sockstat = "";

  /** Whose it is. */
  NetOwner owner = NetOwner.NOBODY;

  /** Set by each look at who is in it. */
  long seen;

  NetNamespace(long inode) {
    this.inode = inode;
  }

  /**
   * Reads it through {@link #pid}.
   *
   * @return false if that process is gone or no longer in it
   */
  boolean read(String procRoot, SmallFiles files) {
    if (pid == 0 || inode(procRoot, pid, files) != inode) {
      return false;
    }
    if (pid != namedPid) {
      namedPid = pid;
      netstat = procRoot + "/" + pid + "/net/netstat";
      sockstat = procRoot + "/" + pid + "/net/sockstat";
    }
    int length = files.read(netstat);
    if (length <= 0) {
      return false;
    }
    NetText.tcpExt(files.buffer(), length, NAMES, now);
    int sockets = files.read(sockstat);
    long waiting =
        sockets <= 0 ? StatText.ABSENT : StatText.value(files.buffer(), sockets, TCP, TIME_WAIT);
    // a process may have changed sides between two files: then this look is not one of this
    if (inode(procRoot, pid, files) != inode) {
      return false;
    }
    timeWait = waiting;
    if (isAnother()) {
      Arrays.fill(last, 0);
    }
    for (int i = 0; i < COUNTERS; i++) {
      step[i] = now[i] == StatText.ABSENT ? 0 : Math.max(0, now[i] - last[i]);
      last[i] = Math.max(last[i], now[i]);
    }
    return true;
  }

  /**
   * Whether a later namespace has got this one's number: no counter of one namespace ever falls.
   */
  private boolean isAnother() {
    for (int i = 0; i < COUNTERS; i++) {
      if (now[i] != StatText.ABSENT && now[i] < last[i]) {
        return true;
      }
    }
    return false;
  }

  /** Nobody is in it any more. */
  void left() {
    pid = 0;
    owner = NetOwner.NOBODY;
    timeWait = StatText.ABSENT;
  }

  /** The namespace of a process; 0 if it is gone or may not be looked at. */
  static long inode(String procRoot, int pid, SmallFiles files) {
    int length = files.readLink(procRoot + "/" + pid + "/ns/net");
    MemorySegment text = files.buffer();
    // net:[4026531840]
    long inode = length <= 5 ? 0 : StatText.number(text, length, 5);
    return Math.max(0, inode);
  }
}
