package dev.sonde.agent.workload;

import dev.sonde.agent.log.Log;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;

/**
 * Asks the sources of names when a name is missing, and now and then.
 *
 * {@snippet :
 * try (IdentityLoop loop = new IdentityLoop(List.of(cri), pods, keep, snapshots::soon)) {
 *   loop.start();      // after the first snapshot
 *   loop.reports();    // any thread: which source serves
 * }
 * }
 *
 * <p>One daemon thread, and no other ever waits for a source. A missing name wakes it; it waits
 * {@value #DEBOUNCE_MILLIS} ms for more of them and asks once for all. A runtime lists a new pod
 * only when its sandbox runs, so that what is still missing is asked for again, at doubling
 * distances, until {@link PodTable#NAME_WAIT} is over. A source that fails is asked again after a
 * quarter of a second, then at doubling distances up to {@value #MAX_BACK_OFF_SECONDS} s. What a
 * source said last stays valid while it does not answer.
 *
 * <p>Owns the sources.
 */
public final class IdentityLoop implements AutoCloseable {
  static final int DEBOUNCE_MILLIS = 20;
  static final int MAX_BACK_OFF_SECONDS = 10;

  private static final Log LOG = Log.named("identity");
  private static final long MILLI = 1_000_000L;
  private static final long FIRST_AGAIN = 50 * MILLI;
  private static final long LAST_AGAIN = 1000 * MILLI;

  /** How soon it is noticed that a socket is gone, or there: a look at the file system. */
  private static final long LOOK = 1000 * MILLI;

  /** What nobody waits for: labels, containers that ended. */
  private static final long REFRESH = 30_000 * MILLI;

  private final List<AskedSource> sources = new ArrayList<>();
  private final PodTable pods;
  private final long keepNanos;
  private final Runnable named;
  private final Thread thread;
  private final AtomicBoolean wanted = new AtomicBoolean(true);
  private volatile boolean closed;

  /**
   * @param sources the most trusted first; closed with this
   * @param pods where the names go
   * @param keep how long a pod is remembered that no source mentions any more
   * @param named called when a name was found that had been waited for
   */
  public IdentityLoop(List<IdentitySource> sources, PodTable pods, Duration keep, Runnable named) {
    for (IdentitySource source : sources) {
      this.sources.add(new AskedSource(source));
      source.onChange(this::wake);
    }
    this.pods = pods;
    this.keepNanos = keep.toNanos();
    this.named = named;
    this.thread = Thread.ofPlatform().name("sonde-identity").daemon(true).unstarted(this::run);
    expect();
  }

  /**
   * Names are waited for only where somebody may know them: also one who answered once and is away
   * now, for a restart most likely.
   */
  private void expect() {
    boolean any = false;
    for (AskedSource s : sources) {
      any |= s.source.present() || s.answer() != null;
    }
    pods.expectNames(any, this::wake);
  }

  /** Begins to ask. Whoever must not be kept waiting by the loading of gRPC calls it late. */
  public void start() {
    thread.start();
  }

  /** A name is missing. Any thread, never waits. */
  private void wake() {
    if (!wanted.getAndSet(true)) {
      LockSupport.unpark(thread);
    }
  }

  /** How each source stands, and last the paths. Any thread. */
  public List<SourceReport> reports() {
    List<SourceReport> reports = new ArrayList<>();
    sources.forEach(s -> reports.add(s.report()));
    reports.add(SourceReport.cgroup(pods.mechanism()));
    return reports;
  }

  private void run() {
    long again = FIRST_AGAIN;
    while (!closed) {
      boolean woken = wanted.getAndSet(false);
      if (woken) {
        LockSupport.parkNanos(this, DEBOUNCE_MILLIS * MILLI);
        wanted.set(false);
        again = FIRST_AGAIN;
      }
      boolean missing = false;
      try {
        expect();
        missing = pods.waiting() > 0;
        ask(woken || missing);
        missing = pods.waiting() > 0;
      } catch (RuntimeException e) {
        LOG.error("asking for the names of pods failed", e);
      }
      sleep(missing ? again : nextRefresh());
      again = missing ? Math.min(again * 2, LAST_AGAIN) : FIRST_AGAIN;
    }
  }

  private void sleep(long nanos) {
    long until = System.nanoTime() + nanos;
    for (long left = nanos; left > 0 && !closed && !wanted.get(); ) {
      LockSupport.parkNanos(this, left);
      left = until - System.nanoTime();
    }
  }

  private long nextRefresh() {
    long now = System.nanoTime();
    long next = LOOK;
    for (AskedSource s : sources) {
      next = Math.min(next, s.dueIn(now, REFRESH));
    }
    return Math.max(next, FIRST_AGAIN);
  }

  private void ask(boolean missing) {
    for (AskedSource s : sources) {
      if (closed) {
        return;
      }
      // The next source is asked for what the one before it did not know.
      if (s.isDue(System.nanoTime(), missing, REFRESH) && s.ask()) {
        publish();
        missing = missing && pods.waiting() > 0;
      }
    }
  }

  private void publish() {
    List<Answer> answers = new ArrayList<>();
    for (AskedSource s : sources) {
      Answer answer = s.answer();
      if (answer != null) {
        answers.add(answer);
      }
    }
    int before = pods.waiting();
    pods.names(pods.told().updated(answers, System.nanoTime(), keepNanos));
    if (pods.waiting() < before) {
      named.run();
    }
  }

  /** Ends the thread and closes the sources, which ends a call under way. */
  @Override
  public void close() {
    closed = true;
    LockSupport.unpark(thread);
    sources.forEach(s -> s.source.close());
    try {
      if (thread.isAlive()) {
        thread.join(Duration.ofSeconds(3));
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
