package dev.sonde.agent.probe;

import java.time.Duration;

/**
 * The last minute of one workload, and what it amounts to.
 *
 * <p>Keeps a look every five seconds, thirteen in all. A workload begins with zeros, as its totals
 * do. Owned by the snapshot thread; times are {@link System#nanoTime}'s.
 */
final class TcpHistory {
  /** What counts is counted over this long at most: as long as TIME_WAIT lasts. */
  static final Duration WINDOW = Duration.ofSeconds(60);

  /** How long a leak must have lasted. */
  static final Duration LEAK = Duration.ofSeconds(30);

  /** Who closes at all has closed, on average, after so long. */
  private static final double CLOSE_WAIT_SECONDS = 5;

  /** What churns keeps less than this part of what it connected. */
  private static final double KEPT = 0.2;

  private static final long EVERY_NANOS = Duration.ofSeconds(5).toNanos();
  private static final int LOOKS = 13;

  private final TcpUse[] looks = new TcpUse[LOOKS];
  private final long[] times = new long[LOOKS];

  /** The fewest in CLOSE_WAIT from that look to the next. */
  private final long[] leastCloseWait = new long[LOOKS];

  private int newest;
  private int kept = 1;
  private TcpUse now = TcpUse.NONE;
  private long at;

  TcpHistory(long nanoTime) {
    at = nanoTime;
    times[0] = nanoTime;
    looks[0] = TcpUse.NONE;
  }

  void add(TcpUse use, long nanoTime) {
    now = use;
    at = nanoTime;
    leastCloseWait[newest] = Math.min(leastCloseWait[newest], use.closeWait());
    if (nanoTime - times[newest] >= EVERY_NANOS) {
      newest = (newest + 1) % LOOKS;
      kept = Math.min(kept + 1, LOOKS);
      times[newest] = nanoTime;
      looks[newest] = use;
      leastCloseWait[newest] = use.closeWait();
    }
  }

  /** What the finding's threshold is compared with; zero if what else it takes is not there. */
  double measure(TcpFinding finding) {
    int base = base(WINDOW.toNanos());
    TcpUse then = looks[base];
    // snapshots may be a minute apart: what happened in more than a minute is a minute's share
    double part = Math.min(1, WINDOW.toNanos() / (double) Math.max(1, at - times[base]));
    return switch (finding) {
      case TIME_WAIT_LEAK -> part * (now.endedFirst() - then.endedFirst());
      case ACCEPT_QUEUE_FULL -> part * (now.overflows() - then.overflows());
      case RECONNECT_CHURN -> {
        long attempts = now.clientOpens() - then.clientOpens() + (now.failures() - then.failures());
        long more = now.opens() - then.opens() - (now.closes() - then.closes());
        yield more <= KEPT * attempts ? part * attempts : 0;
      }
      case CLOSE_WAIT_LEAK -> closeWait();
    };
  }

  private double closeWait() {
    int base = base(LEAK.toNanos() + EVERY_NANOS);
    double seconds = (at - times[base]) / 1e9;
    if (at - times[base] < LEAK.toNanos()) {
      return 0;
    }
    long least = now.closeWait();
    for (int i = base; ; i = (i + 1) % LOOKS) {
      least = Math.min(least, leastCloseWait[i]);
      if (i == newest) {
        break;
      }
    }
    double leavePerSecond = (now.peerEnded() - looks[base].peerEnded()) / seconds;
    return least >= leavePerSecond * CLOSE_WAIT_SECONDS ? least : 0;
  }

  /** The oldest look that is not older than this, or the newest of all. */
  private int base(long nanos) {
    int base = newest;
    for (int back = 1; back < kept; back++) {
      int i = (newest - back + LOOKS) % LOOKS;
      if (at - times[i] > nanos) {
        break;
      }
      base = i;
    }
    // the newest may be of this very moment, with nothing behind it
    int before = (newest - 1 + LOOKS) % LOOKS;
    return base == newest && times[newest] == at && kept > 1 ? before : base;
  }
}
