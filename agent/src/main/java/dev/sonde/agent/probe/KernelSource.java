package dev.sonde.agent.probe;

import dev.sonde.agent.pipeline.SnapshotBuilder;
import dev.sonde.agent.pipeline.Source;
import dev.sonde.agent.workload.PodTable;
import dev.sonde.exporter.model.Metric;
import dev.sonde.exporter.model.Workload;
import dev.sonde.ffi.BpfException;
import dev.sonde.ffi.BpfMap;
import dev.sonde.ffi.BpfProgram;
import dev.sonde.ffi.EventReader;
import dev.sonde.ffi.ProgramInfo;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ObjLongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * All that the attached probes count: their series, and how the probes themselves do.
 *
 * <p>Owned by the snapshot thread, close included; does not own the {@link ProbeSet}.
 */
public final class KernelSource implements Source, AutoCloseable {
  static final Metric PROBE_UP =
      Metric.gauge(
          "sonde_probe_up", "1 with the mechanism that serves the probe; 0 with mechanism none.");
  static final Metric PROBE_RUNS =
      Metric.counter(
          "sonde_probe_runs_total", "Runs of the probe's BPF programs, while --bpf-stats is on.");
  static final Metric PROBE_SECONDS =
      Metric.counter(
          "sonde_probe_run_seconds_total",
          "CPU time of the probe's BPF programs, while --bpf-stats is on.");
  static final Metric EVENTS_WRITTEN =
      Metric.counter(
          "sonde_events_written_total", "Events that the BPF programs put into the buffer.");
  public static final Metric EVENTS_LOST =
      Metric.counter(
          "sonde_events_lost_total", "Events or increments lost or without an owner, by where.");
  static final Metric BPF_MEMORY =
      Metric.gauge(
          "sonde_bpf_memory_bytes",
          "Bytes of the BPF maps that are there from the start: what --bpf-memory-limit bounds.");
  static final Metric MAP_ENTRIES =
      Metric.gauge("sonde_map_entries", "Entries in use of a BPF map.");
  static final Metric MAP_CAPACITY =
      Metric.gauge("sonde_map_capacity", "Entries that a BPF map can hold.");

  private final ProbeSet probes;
  private final PodTable pods;
  private final boolean statistics;
  private final @Nullable Slots slots;
  private final @Nullable Losses losses;
  private final @Nullable SchedProbe sched;
  private final TcpUsers tcpUsers;
  private @Nullable TcpHoldupsProbe holdups;
  private final List<ProbeSource> sources = new ArrayList<>();

  /**
   * One whose counts nobody looks at but for its series.
   *
   * @param statistics whether the kernel measures the programs' runs ({@code --bpf-stats})
   */
  public KernelSource(ProbeSet probes, PodTable pods, boolean statistics) {
    this(probes, pods, statistics, (owner, use) -> {});
  }

  /**
   * @param statistics whether the kernel measures the programs' runs ({@code --bpf-stats})
   * @param tcpUsers told of each workload's use of TCP at each snapshot, on the snapshot thread
   */
  public KernelSource(ProbeSet probes, PodTable pods, boolean statistics, TcpUsers tcpUsers) {
    this.tcpUsers = tcpUsers;
    this.probes = probes;
    this.pods = pods;
    this.statistics = statistics;
    SharedMaps maps = probes.maps();
    int cpus = probes.settings().cpus();
    this.slots = maps.has("slot_owners") ? new Slots(maps, probes.settings().maxSlots()) : null;
    this.losses = maps.has("losses") ? new Losses(maps, cpus) : null;
    AttachedProbe schedProbe = probes.probe(Probes.SCHED);
    this.sched =
        slots != null && schedProbe.loaded() != null
            ? new SchedProbe(probes, schedProbe, slots, pods)
            : null;
    if (sched != null) {
      sources.add(sched);
    }
    if (slots != null) {
      addPerWorkload(slots);
    }
  }

  private void addPerWorkload(Slots of) {
    SharedMaps maps = probes.maps();
    if (maps.has("tcp_stats")) {
      sources.add(new TcpProbe(probes, of, pods));
    }
    if (maps.has("tcp_connection_stats")) {
      sources.add(new TcpConnections(probes, of, pods, tcpUsers));
    }
    if (maps.has("tcp_latencies")) {
      sources.add(new TcpLatencies(probes, of, pods));
    }
    if (maps.has("tcp_holdups")) {
      holdups = new TcpHoldupsProbe(probes, of, pods, tcpUsers);
      sources.add(holdups);
    }
    if (maps.has("process_stats")) {
      sources.add(new ProcessProbe(probes, of, pods));
    }
    if (maps.has("memory_stats")) {
      sources.add(new MemoryProbe(probes, of, pods));
    }
    if (probes.probe(Probes.CONTAINER_START).loaded() != null) {
      sources.add(new ContainerStarts(probes, of, pods));
    }
  }

  /** The buffer that the programs send events through; null if no probe that sends any is up. */
  public @Nullable EventReader eventReader() {
    String map = probes.settings().perfBuffer() ? "events_perf" : "events";
    if (!probes.maps().has(map)) {
      return null;
    }
    return EventReaders.open(probes.maps().get(map), probes.settings());
  }

  /** Events that the programs have put into the buffer. The snapshot thread's. */
  public long eventsWritten() {
    return losses == null ? 0 : losses.read().written();
  }

  /** Whether the kernel tells of cgroups that are made and removed. */
  public boolean tellsOfCgroups() {
    return probes.probe(Probes.CGROUP).loaded() != null;
  }

  /**
   * What is to be called now and then, by one thread, so that {@code fresh} is called when
   * something was counted for a workload for the first time.
   */
  public Runnable watch(Runnable fresh) {
    Slots watched = slots;
    return watched == null
        ? () -> {}
        : new SlotWatch(watched::owner, probes.settings().maxSlots(), fresh, System::nanoTime)
            ::look;
  }

  /** What of a network namespace's counters nothing else of this agent's counts. */
  public NamespaceGaps namespaceGaps() {
    return new NamespaceGaps(
        probes.probe(Probes.TCP_LISTEN).loaded() == null, !TcpHoldupsProbe.seesWindows(probes));
  }

  /**
   * Which counters of network namespaces stand in for probes that are down.
   *
   * @param listenDrops {@code sonde_tcp_listen_drops_total}
   * @param zeroWindows {@code sonde_tcp_zero_windows_total}, of those sent
   */
  public record NamespaceGaps(boolean listenDrops, boolean zeroWindows) {}

  /** Who put how many sockets into TIME_WAIT within the last minute; on the snapshot thread. */
  public void recentTimeWaits(ObjLongConsumer<Workload> consumer) {
    if (holdups != null) {
      holdups.recentTimeWaits(consumer);
    }
  }

  /** Gives the sockets that are older than the agent an owner. */
  public void adoptOldSockets() throws BpfException {
    BpfProgram iterator = probes.program("tcp_old_sockets");
    if (iterator != null) {
      iterator.readIterator();
    }
  }

  @Override
  public void collect(SnapshotBuilder out) {
    sources.forEach(source -> source.collect(out));
    collectOwn(out);
    if (slots != null) {
      // every probe has just read every slot: what is freed now has no count left behind
      slots.free(
          pods::reclaimable,
          slot -> {
            if (sched != null) {
              sched.forget(slot);
            }
          });
    }
  }

  private void collectOwn(SnapshotBuilder out) {
    long recursion = 0;
    for (AttachedProbe probe : probes.probes()) {
      ProbeReport report = probe.report();
      out.addOwn(
          PROBE_UP, report.up() ? 1 : 0, "probe", report.probe(), "mechanism", report.mechanism());
      long runs = 0;
      long nanos = 0;
      for (BpfProgram program : probe.programs()) {
        ProgramInfo info = program.info();
        runs += info.runCount();
        nanos += info.runNanos();
        if (!Probes.MADE_UP_FOR.contains(program.name())) {
          recursion += info.recursionMisses();
        }
      }
      if (statistics) {
        out.addOwn(PROBE_RUNS, runs, "probe", report.probe());
        out.addOwn(PROBE_SECONDS, nanos / 1e9, "probe", report.probe());
      }
    }
    out.addOwn(EVENTS_LOST, recursion, "where", "recursion");
    if (losses != null) {
      Losses.Counts counts = losses.read();
      out.addOwn(EVENTS_WRITTEN, counts.written());
      out.addOwn(EVENTS_LOST, counts.reserve(), "where", "reserve");
      out.addOwn(EVENTS_LOST, counts.storage(), "where", "storage");
      out.addOwn(EVENTS_LOST, counts.mapFull(), "where", "map_full");
      out.addOwn(EVENTS_LOST, counts.missedSwitch(), "where", "missed_switch");
      out.addOwn(EVENTS_LOST, counts.suppressed(), "where", "suppressed");
    }
    out.addOwn(BPF_MEMORY, probes.settings().memory().bytes());
    if (slots != null) {
      BpfMap map = probes.maps().get("cgroup_slots");
      out.addOwn(MAP_ENTRIES, slots.taken(), "map", map.name());
      out.addOwn(MAP_CAPACITY, map.maxEntries(), "map", map.name());
    }
  }

  @Override
  public void close() {
    sources.forEach(ProbeSource::close);
    if (losses != null) {
      losses.close();
    }
    if (slots != null) {
      slots.close();
    }
  }
}
