package dev.sonde.agent.probe;

import dev.sonde.agent.pipeline.SnapshotBuilder;
import dev.sonde.agent.workload.PodTable;
import dev.sonde.exporter.model.Metric;
import dev.sonde.exporter.model.Workload;
import dev.sonde.ffi.layout.ContainerStart;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.Map;

/**
 * How long each container's last start took to listen, to accept and to answer: {@code starts.h}.
 *
 * <p>A container that never listens has no series. Owned by the snapshot thread. Kernel floor 5.10.
 */
final class ContainerStarts implements ProbeSource {
  static final Metric START =
      Metric.gauge(
          "sonde_container_start_seconds",
          "From the last start's exec to its first listen, accept, and byte sent to a client.");

  private final Slots slots;
  private final PodTable pods;
  private final SlotRows starts;

  ContainerStarts(ProbeSet probes, Slots slots, PodTable pods) {
    this.slots = slots;
    this.pods = pods;
    this.starts = probes.rows("container_starts");
  }

  @Override
  public void collect(SnapshotBuilder out) {
    int end = slots.end();
    MemorySegment s = starts.segment(end - 1);
    // a workload with several cgroups: the one that started last
    Map<Workload, Long> last = new HashMap<>();
    for (int slot = Slots.OTHER + 1; slot < end; slot++) {
      long row = starts.row(slot);
      long owner = slots.owner(slot);
      boolean listens =
          owner != Slots.NOBODY
              && ContainerStart.cgroupId(s, row) == owner
              && ContainerStart.execNs(s, row) != 0
              && ContainerStart.listenNs(s, row) != 0;
      Workload workload = listens ? pods.find(owner) : null;
      if (workload != null) {
        last.merge(workload, row, (a, b) -> newer(s, a, b));
      }
    }
    last.forEach((owner, row) -> emit(out, owner, s, row));
  }

  private static Long newer(MemorySegment s, Long a, Long b) {
    return ContainerStart.execNs(s, a) > ContainerStart.execNs(s, b) ? a : b;
  }

  private static void emit(SnapshotBuilder out, Workload owner, MemorySegment s, long row) {
    long exec = ContainerStart.execNs(s, row);
    phase(out, owner, "listen", exec, ContainerStart.listenNs(s, row));
    phase(out, owner, "accept", exec, ContainerStart.acceptNs(s, row));
    phase(out, owner, "first_byte", exec, ContainerStart.firstByteNs(s, row));
  }

  private static void phase(
      SnapshotBuilder out, Workload owner, String phase, long exec, long reached) {
    if (reached > exec) {
      out.add(START, owner, (reached - exec) / 1e9, "phase", phase);
    }
  }

  @Override
  public void close() {
    starts.close();
  }
}
