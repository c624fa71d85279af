package dev.sonde.agent.probe;

import dev.sonde.agent.log.Log;
import dev.sonde.agent.pipeline.SnapshotBuilder;
import dev.sonde.agent.pipeline.Source;
import dev.sonde.exporter.model.Event;
import dev.sonde.exporter.model.Metric;
import dev.sonde.exporter.model.Workload;
import java.time.Duration;
import java.time.Instant;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.Iterator;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.LongFunction;
import java.util.function.LongSupplier;

/**
 * Says of each workload whether it leaks or churns connections, from the counters that are exported
 * anyway.
 *
 * {@snippet :
 * TcpFindings findings = new TcpFindings(TcpThresholds.DEFAULT, router::offer);
 * findings.use(owner, use);          // at each snapshot, by who has the counts
 * findings.overflows(owner, total);  // likewise, where listen overflows are known
 * findings.collect(out);             // the series, and an event for each change
 * }
 *
 * <p>Collected after those that tell it what they have read. A finding holds from the snapshot at
 * which its threshold is reached until it was below for a minute. Owned by the snapshot thread; the
 * sink is called on it.
 */
public final class TcpFindings implements Source, TcpUsers {
  public static final Metric FINDINGS =
      Metric.gauge(
          "sonde_tcp_findings", "1 while the workload leaks or churns TCP connections so, else 0.");

  private static final Log LOG = Log.named("findings");

  private final TcpThresholds thresholds;
  private final Consumer<LongFunction<Event>> events;
  private final LongSupplier nanoClock;
  private final Map<Workload, Watched> watched = new HashMap<>();
  private long round;
  private boolean overflowsKnown;

  /** One workload. */
  private static final class Watched {
    final TcpHistory history;
    final Map<TcpFinding, Held> held = new EnumMap<>(TcpFinding.class);
    TcpUse use = TcpUse.NONE;
    long round;

    Watched(long now) {
      history = new TcpHistory(now);
      for (TcpFinding finding : TcpFinding.values()) {
        held.put(finding, new Held());
      }
    }
  }

  /** Whether one finding holds of one workload, and since when. */
  private static final class Held {
    boolean holds;
    long since;
    long lastReached;
    double most;
  }

  /**
   * @param events takes what becomes an event when it gets its number
   */
  public TcpFindings(TcpThresholds thresholds, Consumer<LongFunction<Event>> events) {
    this(thresholds, events, System::nanoTime);
  }

  TcpFindings(
      TcpThresholds thresholds, Consumer<LongFunction<Event>> events, LongSupplier nanoClock) {
    this.thresholds = thresholds;
    this.events = events;
    this.nanoClock = nanoClock;
  }

  @Override
  public void use(Workload owner, TcpUse use) {
    if (owner.unit().startsWith("~")) {
      return; // many workloads together: their sum says nothing of any of them
    }
    Watched w = watched(owner);
    w.use = use.withOverflows(w.use.overflows());
  }

  @Override
  public void overflows(Workload owner, long total) {
    if (owner.unit().startsWith("~")) {
      return;
    }
    overflowsKnown = true;
    Watched w = watched(owner);
    w.use = w.use.withOverflows(total);
  }

  private Watched watched(Workload owner) {
    Watched w = watched.computeIfAbsent(owner, o -> new Watched(nanoClock.getAsLong()));
    w.round = round;
    return w;
  }

  @Override
  public void collect(SnapshotBuilder out) {
    long now = nanoClock.getAsLong();
    for (Iterator<Map.Entry<Workload, Watched>> i = watched.entrySet().iterator(); i.hasNext(); ) {
      Map.Entry<Workload, Watched> e = i.next();
      Watched w = e.getValue();
      if (w.round != round) {
        // its series have ended
        w.held.forEach((finding, held) -> end(e.getKey(), finding, held, now));
        i.remove();
        continue;
      }
      w.history.add(w.use, now);
      for (Map.Entry<TcpFinding, Held> f : w.held.entrySet()) {
        TcpFinding finding = f.getKey();
        if (finding == TcpFinding.ACCEPT_QUEUE_FULL && !overflowsKnown) {
          continue; // no series rather than zeros that nobody looked at
        }
        Held held = f.getValue();
        settle(e.getKey(), finding, held, w.history.measure(finding), now);
        out.add(FINDINGS, e.getKey(), held.holds ? 1 : 0, "finding", finding.label());
      }
    }
    round++;
  }

  private void settle(Workload owner, TcpFinding finding, Held held, double measure, long now) {
    long threshold = thresholds.of(finding);
    if (measure >= threshold) {
      held.lastReached = now;
      held.most = held.holds ? Math.max(held.most, measure) : measure;
      if (!held.holds) {
        held.holds = true;
        held.since = now;
        LOG.warn(
            "TCP finding",
            "finding",
            finding.label(),
            "owner",
            name(owner),
            "count",
            Math.round(measure),
            "threshold",
            threshold);
        report(owner, finding, true, measure, Duration.ZERO);
      }
    } else if (held.holds && now - held.lastReached >= TcpHistory.WINDOW.toNanos()) {
      end(owner, finding, held, now);
    }
  }

  private void end(Workload owner, TcpFinding finding, Held held, long now) {
    if (!held.holds) {
      return;
    }
    held.holds = false;
    LOG.info("TCP finding is over", "finding", finding.label(), "owner", name(owner));
    report(owner, finding, false, held.most, Duration.ofNanos(now - held.since));
  }

  private static String name(Workload owner) {
    return owner.isPod()
        ? owner.namespace() + "/" + owner.pod() + "/" + owner.container()
        : owner.unit();
  }

  private void report(
      Workload owner, TcpFinding finding, boolean holds, double count, Duration lasted) {
    Instant start = Instant.now().minus(lasted);
    long threshold = thresholds.of(finding);
    events.accept(
        sequence ->
            new Event.TcpFinding(
                sequence,
                start,
                lasted,
                owner,
                finding.label(),
                holds,
                Math.round(count),
                threshold));
  }
}
