package dev.sonde.agent.workload;

import dev.sonde.agent.log.Log;
import org.jspecify.annotations.Nullable;

/**
 * A source and how it did: its last good answer, when it may be asked again, and one log line each
 * time that changes.
 *
 * <p>The identity thread asks; any thread may read the {@link #report}.
 */
final class AskedSource {
  private static final Log LOG = Log.named("identity");
  private static final long MILLI = 1_000_000L;
  private static final long SECOND = 1000 * MILLI;

  /** However fast names go missing, a source is not asked faster than this. */
  private static final long LEAST = 50 * MILLI;

  /**
   * A source that is slow rests for as long as it took, but not longer than this: a container that
   * ends is listed for a moment only. The faster of its last two answers counts, since one alone
   * may be slow for what it is not to blame for: code that ran for the first time.
   */
  private static final long MOST = 250 * MILLI;

  private static final long FIRST_BACK_OFF = 250 * MILLI;

  /** While a name is missing, a source that failed is tried more often. */
  private static final long WANTED_BACK_OFF = 500 * MILLI;

  final IdentitySource source;
  private volatile SourceReport report;
  private @Nullable Answer answer;
  private @Nullable String failing;
  private boolean asked;
  private long askedAt;
  private long cost;
  private long costBefore;
  private long backOff;

  AskedSource(IdentitySource source) {
    this.source = source;
    this.report = source.present() ? notAsked() : absent();
  }

  private SourceReport notAsked() {
    return new SourceReport(source.name(), false, "not asked yet", "", true);
  }

  private SourceReport absent() {
    return new SourceReport(source.name(), false, source.absence(), "", false);
  }

  SourceReport report() {
    return report;
  }

  /** The last good one. */
  @Nullable Answer answer() {
    return answer;
  }

  boolean isDue(long now, boolean missing, long refresh) {
    if (!source.present()) {
      lost();
      return false;
    }
    if (!asked) {
      return true;
    }
    long wait;
    if (backOff > 0) {
      // One that hangs costs its deadline each time: it rests for as long as that.
      wait = missing ? Math.min(backOff, Math.max(WANTED_BACK_OFF, cost)) : backOff;
    } else {
      wait = missing ? Math.clamp(Math.min(cost, costBefore), LEAST, MOST) : refresh;
    }
    return now - askedAt >= wait;
  }

  /** In how many nanoseconds it is due if no name goes missing. */
  long dueIn(long now, long refresh) {
    if (!source.present()) {
      return SECOND;
    }
    return asked ? askedAt + (backOff > 0 ? backOff : refresh) - now : 0;
  }

  /** The socket is gone, or never was: nothing to ask. */
  private void lost() {
    String absence = source.absence();
    if (asked) {
      LOG.warn(
          "source of names is gone; what it said last stays",
          "source",
          source.name(),
          "why",
          absence);
    }
    // asked at once when it is there again
    asked = false;
    backOff = 0;
    cost = 0;
    report = absent();
  }

  /** Whether it answered. */
  boolean ask() {
    asked = true;
    long start = System.nanoTime();
    costBefore = cost;
    try {
      Answer fresh = source.ask();
      answer = fresh;
      backOff = 0;
      cost = System.nanoTime() - start;
      answered(fresh);
      return true;
    } catch (SourceException e) {
      cost = System.nanoTime() - start;
      failed(e);
      return false;
    } finally {
      askedAt = System.nanoTime();
    }
  }

  private void answered(Answer fresh) {
    if (failing != null || !report.up()) {
      LOG.info("source of names answers", "source", source.name(), "who", fresh.detail());
    }
    failing = null;
    report =
        new SourceReport(
            source.name(),
            true,
            "%s: %d pods, %d containers"
                .formatted(fresh.detail(), fresh.pods().size(), fresh.containers().size()),
            "",
            true);
  }

  private void failed(SourceException e) {
    long most = IdentityLoop.MAX_BACK_OFF_SECONDS * SECOND;
    backOff = backOff == 0 ? FIRST_BACK_OFF : Math.min(backOff * 2, most);
    if (failing == null) {
      LOG.warn(
          "source of names does not answer; what it said last stays",
          "source",
          source.name(),
          "why",
          e.reason());
    }
    failing = e.reason();
    report = new SourceReport(source.name(), false, e.reason(), e.remedy(), true);
  }
}
