package dev.sonde.agent.runtime.jvm;

import dev.sonde.agent.host.ProcFs;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Objects;
import java.util.PriorityQueue;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Finds the JVMs among the node's processes, cheaply.
 *
 * <p>{@code /proc} is listed once a scan, but a process' memory map is read only when the process
 * is new, a few times more while it is young (a JVM maps its file shortly after exec), and again
 * when it has become another program: every process is looked at every {@value #REVISIT_SECONDS} s
 * for that (start time, executable). A scan looks at {@value #LOOKS} processes at most, so that it
 * stays short on a node with thousands; the rest wait their turn, longest waiting first.
 *
 * <p>Not thread-safe: the snapshot thread owns it.
 */
final class JvmDiscovery {
  /** A process that maps a performance data file of its own. */
  record Found(int pid, long startTime, Path file) {}

  /** What a scan calls back. */
  interface Listener {
    /** A JVM that was not reported before, or was given back by {@link #forget}. */
    void found(Found jvm);
  }

  private static final int LOOKS = 256;
  private static final long REVISIT_SECONDS = 30;
  private static final long MILLI = 1_000_000L;

  /**
   * When a new process is looked at again: a JVM is seen in the snapshot after the one that saw it
   * before it was one, also if snapshots come a little less than a second apart.
   */
  private static final int[] YOUNG_MILLIS = {300, 700, 1000, 2000, 4000, 7000};

  private static final class Candidate implements Comparable<Candidate> {
    final int pid;
    long due;
    int looks;
    long startTime = -1;
    @Nullable String executable;

    /** Handed out as a JVM, or dead: no longer in the queue's business. */
    boolean retired;

    Candidate(int pid, long due) {
      this.pid = pid;
      this.due = due;
    }

    @Override
    public int compareTo(Candidate other) {
      return Long.compare(due, other.due);
    }
  }

  private final ProcFs proc;
  private final Map<Integer, Candidate> candidates = new HashMap<>();
  private final PriorityQueue<Candidate> queue = new PriorityQueue<>();

  JvmDiscovery(ProcFs proc) {
    this.proc = proc;
  }

  /**
   * Looks for JVMs not reported so far.
   *
   * @param now in nanoseconds of a monotonic clock
   */
  void scan(long now, Listener listener) {
    notice(now);
    for (int looks = 0; looks < LOOKS; looks++) {
      Candidate c = queue.peek();
      if (c == null || c.due > now) {
        return;
      }
      queue.poll();
      if (c.retired) {
        continue;
      }
      look(c, now, listener);
    }
  }

  /** The JVM has ended, or its process runs another program now: it may be found anew. */
  void forget(int pid) {
    candidates.remove(pid);
  }

  private void notice(long now) {
    int[] pids = proc.pids();
    if (pids.length < candidates.size()) {
      dropDead(pids);
    }
    for (int pid : pids) {
      if (!candidates.containsKey(pid)) {
        Candidate c = new Candidate(pid, now);
        candidates.put(pid, c);
        queue.add(c);
      }
    }
  }

  private void dropDead(int[] pids) {
    Set<Integer> alive = HashSet.newHashSet(pids.length);
    for (int pid : pids) {
      alive.add(pid);
    }
    candidates
        .values()
        .removeIf(
            c -> {
              boolean dead = !alive.contains(c.pid);
              c.retired |= dead;
              return dead;
            });
  }

  private void look(Candidate c, long now, Listener listener) {
    long startTime = proc.startTime(c.pid);
    String executable = proc.executable(c.pid);
    if (startTime < 0) {
      candidates.remove(c.pid);
      return;
    }
    boolean another = startTime != c.startTime || !Objects.equals(executable, c.executable);
    if (another) {
      c.startTime = startTime;
      c.executable = executable;
      c.looks = 0;
    }
    // Kernel threads have no executable, and never get one without another start of the process.
    if (executable != null && c.looks <= YOUNG_MILLIS.length) {
      Path file = HsperfMapping.find(proc, c.pid);
      if (file != null) {
        c.retired = true;
        listener.found(new Found(c.pid, startTime, file));
        return;
      }
    }
    long wait = c.looks < YOUNG_MILLIS.length ? YOUNG_MILLIS[c.looks] : REVISIT_SECONDS * 1000;
    c.looks = Math.min(c.looks + 1, YOUNG_MILLIS.length + 1);
    c.due = now + wait * MILLI;
    queue.add(c);
  }
}
