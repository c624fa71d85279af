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
  private final Duration tooOld;
  private volatile @Nullable SnapshotLoop loop;

  /**
   * @param tooOld the age at which a snapshot is no live data any more
   */
  Health(Duration tooOld) {
    this.tooOld = tooOld;
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
