package dev.sonde.agent.probe;

import dev.sonde.agent.log.Log;
import dev.sonde.agent.pipeline.SnapshotBuilder;
import dev.sonde.agent.workload.PodTable;
import dev.sonde.exporter.model.Workload;
import dev.sonde.ffi.BpfException;
import dev.sonde.ffi.BpfLink;
import dev.sonde.ffi.BpfProgram;
import dev.sonde.ffi.layout.ListenerRow;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Runs the iterator over all listening sockets, of all network namespaces: {@code tcp_listeners.h}.
 *
 * <p>It counts what they dropped in the kernel, and says how many connections of each are half
 * made: the census' {@code syn_recv}, which has no change of state to be seen. Only workloads with
 * a listener have that series. Owns its link; owned by the snapshot thread. Kernel floor 5.11:
 * socket storage in iterators.
 */
final class TcpListeners implements AutoCloseable {
  private static final Log LOG = Log.named("probe");

  private final BpfProgram iterator;
  private final BpfLink link;
  private final PodTable pods;

  private TcpListeners(BpfProgram iterator, BpfLink link, PodTable pods) {
    this.iterator = iterator;
    this.link = link;
    this.pods = pods;
  }

  /** Null where the probe is down. */
  static @Nullable TcpListeners open(ProbeSet probes, PodTable pods) {
    BpfProgram iterator = probes.probe(Probes.TCP_LISTEN).program("tcp_listeners");
    if (iterator == null) {
      return null;
    }
    try {
      BpfLink link = iterator.attachIterator(probes.maps().get("listeners"));
      return new TcpListeners(iterator, link, pods);
    } catch (BpfException e) {
      LOG.warn("listening sockets cannot be read", "reason", e.reason());
      return null;
    }
  }

  void collect(SnapshotBuilder out) {
    MemorySegment rows = MemorySegment.ofArray(iterator.readIterator(link));
    for (long at = 0; at + ListenerRow.SIZE <= rows.byteSize(); at += ListenerRow.SIZE) {
      Workload owner = pods.find(ListenerRow.cgroupId(rows, at));
      if (owner != null) {
        long halfMade = (int) ListenerRow.halfMade(rows, at);
        out.add(TcpMetrics.CONNECTIONS, owner, Math.max(0, halfMade), "state", "syn_recv");
      }
    }
  }

  @Override
  public void close() {
    link.close();
  }
}
