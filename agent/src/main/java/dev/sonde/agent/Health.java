package dev.sonde.agent;

import dev.sonde.agent.pipeline.SnapshotLoop;
import dev.sonde.exporter.model.Readiness;
import dev.sonde.exporter.model.Snapshot;
import java.time.Duration;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * Whether the agent has live data, for /readyz and gRPC's health service.
 *
 * <p>Any thread may ask; an answer takes no lock and no I/O.
 */
final class Health {
  /** How old the newest snapshot may be, in intervals, before the agent is no longer ready. */
  private static final int STALE_INTERVALS = 3;

  private volatile Duration tooOld;
  private volatile @Nullable SnapshotLoop loop;

  /**
   * @param interval of the snapshots; three of them late, there is no live data any more
   */
  Health(Duration interval) {
    this.tooOld = several(interval);
  }

  /** Another interval from now on; the snapshot that is waited for may still be of the old one. */
  void interval(Duration newer) {
    tooOld = several(newer);
  }

  /** Not by Duration.multipliedBy, whose BigDecimal costs 20 ms of a start. */
  private static Duration several(Duration interval) {
    return Duration.ofNanos(Math.multiplyExact(interval.toNanos(), STALE_INTERVALS));
  }

  void watch(SnapshotLoop watched) {
    loop = watched;
  }

  @Nullable Snapshot latest() {
    SnapshotLoop l = loop;
    return l == null ? null : l.latest();
  }

  Readiness readiness() {
    Snapshot s = latest();
    if (s == null) {
      return new Readiness.NotReady("no snapshot yet: the probes are being attached");
    }
    Duration age = Duration.between(s.at(), Instant.now());
    return age.compareTo(tooOld) > 0
        ? new Readiness.NotReady(
            "the newest snapshot is %.1f s old, more than %.1f s: a source hangs"
                .formatted(age.toMillis() / 1e3, tooOld.toMillis() / 1e3))
        : new Readiness.Ready();
  }
}
