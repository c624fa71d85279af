package dev.sonde.agent.pipeline;

import dev.sonde.agent.log.Log;
import dev.sonde.exporter.model.Metric;
import dev.sonde.exporter.model.Snapshot;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Makes a snapshot of all sources once an interval and publishes it.
 *
 * <p>One thread of its own. Whoever wants values takes {@link #latest}: no scrape waits for a
 * collection, and no collection for a scrape.
 */
public final class SnapshotLoop implements AutoCloseable {
  private static final Log LOG = Log.named("snapshot");

  private static final Metric SNAPSHOTS =
      Metric.counter("sonde_snapshots_total", "Snapshots made, this one included.");

  /** Early snapshots take at most one CPU's time divided by this. */
  private static final int EARLY_SHARE = 10;

  private final List<Source> sources;
  private volatile Duration interval;
  private volatile SeriesLimits limits;
  private final SeriesTable table;
  private final Consumer<Snapshot> observer;
  private final Thread thread;
  private final Set<Source> failing = new HashSet<>();
  private volatile @Nullable Snapshot latest;
  private final CountDownLatch first = new CountDownLatch(1);
  private volatile boolean closed;
  private volatile boolean soon;
  private long sequence;

  /**
   * @param node value of every series' {@code node} label
   * @param limits how many series there may be
   * @param observer told of each snapshot after it was published, on the snapshot thread
   */
  public SnapshotLoop(
      String node,
      SeriesLimits limits,
      List<Source> sources,
      Duration interval,
      Consumer<Snapshot> observer) {
    this.sources = List.copyOf(sources);
    this.interval = interval;
    this.limits = limits;
    this.table = new SeriesTable(node, limits);
    this.observer = observer;
    this.thread = Thread.ofPlatform().name("sonde-snapshot").daemon(true).unstarted(this::run);
  }

  public void start() {
    thread.start();
  }

  /** Another interval from the next snapshot on. Any thread. */
  public void every(Duration newInterval) {
    if (!newInterval.equals(interval)) {
      interval = newInterval;
      soon();
    }
  }

  /** Other limits for the series that come from the next snapshot on. Any thread. */
  public void limit(SeriesLimits newLimits) {
    limits = newLimits;
  }

  /** The newest snapshot; null until the first is made. */
  public @Nullable Snapshot latest() {
    return latest;
  }

  /**
   * Makes the next snapshot as soon as a quarter of the interval is over: what was waited for is
   * there. Where a snapshot costs much, not so soon. The one after it comes half an interval later.
   * Any thread.
   */
  public void soon() {
    soon = true;
    LockSupport.unpark(thread);
  }

  /** Waits until the first snapshot is published, or the loop ends. */
  public void awaitFirst() {
    try {
      first.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void run() {
    long next = System.nanoTime();
    while (!closed) {
      long started = System.nanoTime();
      soon = false;
      Snapshot made = collect();
      latest = made;
      first.countDown();
      observer.accept(made);
      next += interval.toNanos();
      long now = System.nanoTime();
      if (next < now) {
        next = now; // a slow source: no burst of snapshots to catch up
      }
      long early = started + Math.max(interval.toNanos() / 4, (now - started) * EARLY_SHARE);
      for (long until = next; !closed && System.nanoTime() < until; ) {
        LockSupport.parkNanos(this, until - System.nanoTime());
        until = soon ? Math.min(early, next) : next;
      }
      if (System.nanoTime() < next) {
        // An early one. What has just begun is looked at again soon: a JVM is not one yet.
        next = System.nanoTime() - interval.toNanos() / 2;
      }
    }
  }

  private Snapshot collect() {
    table.limit(limits);
    SnapshotAssembly out = new SnapshotAssembly(table, ++sequence, Instant.now());
    for (Source source : sources) {
      try {
        table.from(source);
        source.collect(out);
        if (failing.remove(source)) {
          LOG.info("source works again", "source", LaterSource.name(source));
        }
      } catch (RuntimeException e) {
        // its series are missing from this snapshot; said once, until it works again
        if (failing.add(source)) {
          LOG.error("source failed; its series are missing", e, "source", LaterSource.name(source));
        }
      }
    }
    out.addOwn(SNAPSHOTS, sequence);
    out.addCounts();
    return out.finish(failing);
  }

  /** Ends the thread and waits for the collection under way. */
  @Override
  public void close() {
    closed = true;
    first.countDown();
    if (!thread.isAlive()) {
      return; // never started, or ended: join would refuse the former
    }
    LockSupport.unpark(thread);
    try {
      thread.join(Duration.ofSeconds(5));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
