package dev.sonde.agent.self;

import dev.sonde.agent.pipeline.EventDrain;
import dev.sonde.agent.pipeline.SnapshotBuilder;
import dev.sonde.agent.pipeline.Source;
import dev.sonde.agent.probe.EventRouter;
import dev.sonde.agent.probe.KernelSource;
import dev.sonde.exporter.events.EventHub;
import dev.sonde.exporter.model.Metric;
import org.jspecify.annotations.Nullable;

/** Events on their way through the agent, and those that were lost on it. */
public final class EventSource implements Source {
  static final Metric READ =
      Metric.counter("sonde_events_read_total", "Events read from the kernel's buffer.");

  private final @Nullable EventDrain drain;
  private final EventRouter router;
  private final EventHub hub;

  /**
   * @param drain null if no probe that sends events is up
   */
  public EventSource(@Nullable EventDrain drain, EventRouter router, EventHub hub) {
    this.drain = drain;
    this.router = router;
    this.hub = hub;
  }

  @Override
  public void collect(SnapshotBuilder out) {
    out.addOwn(READ, drain == null ? 0 : drain.read());
    // A perf buffer also tells of records it dropped (PERF_RECORD_LOST). They are the failed
    // outputs
    // that the programs count as where="reserve", so that adding them would count each loss twice.
    out.addOwn(KernelSource.EVENTS_LOST, hub.lost(), "where", "stream");
    out.addOwn(KernelSource.EVENTS_LOST, router.malformed(), "where", "malformed");
    out.addOwn(KernelSource.EVENTS_LOST, router.refused(), "where", "queue");
  }
}
