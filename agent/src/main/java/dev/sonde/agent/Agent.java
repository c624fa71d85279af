package dev.sonde.agent;

import dev.sonde.agent.access.AccessFiles;
import dev.sonde.agent.config.Config;
import dev.sonde.agent.config.ConfigSource;
import dev.sonde.agent.config.Endpoint;
import dev.sonde.agent.config.Options;
import dev.sonde.agent.doctor.StartException;
import dev.sonde.agent.doctor.StartFailure;
import dev.sonde.agent.host.ProcFs;
import dev.sonde.agent.log.Log;
import dev.sonde.agent.peers.PeerTap;
import dev.sonde.agent.peers.TcpPeers;
import dev.sonde.agent.pipeline.EventDrain;
import dev.sonde.agent.pipeline.LaterSource;
import dev.sonde.agent.pipeline.SeriesLimits;
import dev.sonde.agent.pipeline.SnapshotLoop;
import dev.sonde.agent.pipeline.Source;
import dev.sonde.agent.probe.EventRouter;
import dev.sonde.agent.probe.KernelSource;
import dev.sonde.agent.probe.MemoryPlan;
import dev.sonde.agent.probe.ProbeReport;
import dev.sonde.agent.probe.ProbeSet;
import dev.sonde.agent.probe.TcpFindings;
import dev.sonde.agent.runtime.jvm.JvmSource;
import dev.sonde.agent.self.EventSource;
import dev.sonde.agent.self.HttpSource;
import dev.sonde.agent.self.ProcessSource;
import dev.sonde.agent.usage.CgroupUsage;
import dev.sonde.agent.usage.NetUsage;
import dev.sonde.agent.workload.CgroupHierarchy;
import dev.sonde.agent.workload.CgroupInfo;
import dev.sonde.agent.workload.IdentityLoop;
import dev.sonde.agent.workload.IdentitySeries;
import dev.sonde.agent.workload.PodTable;
import dev.sonde.exporter.events.EventHub;
import dev.sonde.exporter.grpc.GrpcFrontend;
import dev.sonde.exporter.grpc.GrpcPort;
import dev.sonde.exporter.grpc.GrpcStartException;
import dev.sonde.exporter.grpc.WorkloadInfo;
import dev.sonde.exporter.http.HttpConfig;
import dev.sonde.exporter.http.HttpFrontend;
import dev.sonde.exporter.http.ListenException;
import dev.sonde.exporter.http.OneNioFrontend;
import dev.sonde.exporter.model.Snapshot;
import dev.sonde.ffi.BpfException;
import dev.sonde.ffi.BpfStatistics;
import dev.sonde.ffi.EventReader;
import dev.sonde.ffi.Libbpf;
import java.io.IOException;
import java.net.BindException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The running agent: wires probes, pipeline and exporters together, and takes them apart again.
 *
 * {@snippet :
 * try (Agent agent = Agent.start(config, snapshot -> {})) {
 *   agent.awaitStop();
 * }
 * }
 *
 * <p>The order of the start is the order in which things can fail: the ports first, so that a
 * second agent ends before it attaches anything; then the probes; gRPC's server last, when scrapes
 * are already served and whoever waited for one has it. Closing goes the other way, detaches
 * everything, and is harmless twice.
 */
public final class Agent implements AutoCloseable {
  private static final Log LOG = Log.named("agent");

  /** How long gRPC waits for a scraper to go first. */
  private static final Duration FIRST_SCRAPE = Duration.ofMillis(200);

  private final Config config;
  private final ConfigSource source;
  private final AccessFiles access;
  private final Health health;
  private final List<AutoCloseable> owned = new ArrayList<>();
  private @Nullable InetSocketAddress httpAddress;
  private boolean closed;

  private Agent(Config config, ConfigSource source, AccessFiles access) {
    this.config = config;
    this.source = source;
    this.access = access;
    this.health = new Health(config.get(Options.SNAPSHOT_INTERVAL));
  }

  /**
   * @param source where {@code config} came from, to read it again when its file changes
   * @param access who is let in; its files are read again as they change
   * @param observer told of every snapshot, on the snapshot thread
   * @throws StartException it cannot run; nothing is left attached
   */
  public static Agent start(
      Config config,
      ConfigSource source,
      AccessFiles access,
      String version,
      Consumer<Snapshot> observer)
      throws StartException {
    Agent agent = new Agent(config, source, access);
    try {
      agent.open(version, observer);
      return agent;
    } catch (StartException | RuntimeException e) {
      agent.close();
      throw e;
    }
  }

  private void open(String version, Consumer<Snapshot> observer) throws StartException {
    HttpFrontend http = own(listen());
    httpAddress = http.address();
    GrpcPort grpc = listenGrpc();
    CgroupHierarchy hierarchy = Cgroups.hierarchy(config);
    PodTable pods = own(Cgroups.pods(config, hierarchy));
    if (config.get(Options.BPF_STATS)) {
      own(BpfStatistics.enable());
    }
    ProbeSet probes = own(Kernel.attach(config, hierarchy));
    report(probes.reports());
    MemoryPlan memory = Kernel.memory(config);
    reportMemory(memory);
    reportHeap(memory.maxSlots());
    EventHub events = own(new EventHub());
    PeerTap tap = config.get(Options.TCP_PEERS) == 0 ? null : new PeerTap();
    EventRouter router = new EventRouter(pods, events::publish, tap);
    TcpFindings findings = new TcpFindings(config.get(Options.TCP_FINDINGS), router::offer);
    AtomicReference<@Nullable TcpPeers> peers = new AtomicReference<>();
    KernelSource kernel =
        own(
            new KernelSource(
                probes,
                pods,
                config.get(Options.BPF_STATS),
                findings.and(
                    (owner, use) -> {
                      TcpPeers told = peers.get();
                      if (told != null) {
                        told.use(owner, use);
                      }
                    })));
    adoptOldSockets(kernel);

    AtomicReference<@Nullable SnapshotLoop> snapshots = new AtomicReference<>();
    Runnable watch = kernel.watch(() -> soon(snapshots.get()));
    EventDrain drain = drain(kernel, router, watch);
    if (tap != null && drain != null) {
      peers.set(
          new TcpPeers(
              config.get(Options.TCP_PEERS),
              config.get(Options.TCP_PEER_MASK),
              tap,
              pods,
              kernel::eventsWritten,
              drain::read));
    }
    if (drain != null && kernel.tellsOfCgroups()) {
      pods.toldOfCgroups();
    }
    IdentityLoop identities = own(Identity.open(config, pods, () -> soon(snapshots.get())));

    List<Source> sources = new ArrayList<>();
    sources.add(new PodSweep(pods));
    // what was read before what was written: no snapshot has more events read than written
    sources.add(new EventSource(drain, router, events));
    sources.add(kernel);
    sources.add(
        own(
            CgroupUsage.open(
                pods,
                hierarchy,
                Cgroups.mounts(config),
                new ProcFs(config.get(Options.PROC_ROOT)))));
    // after those that tell it what they have read
    sources.add(findings);
    TcpPeers byDestination = peers.get();
    if (byDestination != null) {
      sources.add(byDestination);
    }
    // these two look at every process of the node
    sources.add(
        new LaterSource(
            own(
                NetUsage.open(
                    pods,
                    hierarchy,
                    new ProcFs(config.get(Options.PROC_ROOT)),
                    kernel.namespaceGaps(),
                    kernel::recentTimeWaits))));
    sources.add(
        new LaterSource(
            JvmSource.open(
                new ProcFs(config.get(Options.PROC_ROOT)),
                hierarchy,
                pods,
                config.get(Options.STALE_AFTER))));
    sources.add(new IdentitySeries(pods, config.get(Options.POD_LABELS), identities::reports));
    sources.add(new HttpSource(http));
    sources.add(new ProcessSource(version));
    AtomicReference<@Nullable Reloader> reloads = new AtomicReference<>();
    sources.add(
        out -> {
          Reloader r = reloads.get();
          if (r != null) {
            r.collect(out);
          }
        });
    SnapshotLoop loop =
        own(
            new SnapshotLoop(
                config.get(Options.NODE_NAME),
                seriesLimits(config),
                sources,
                config.get(Options.SNAPSHOT_INTERVAL),
                observer));
    snapshots.set(loop);
    Reloader reloader = own(new Reloader(config, source, access, http, loop, health));
    reloads.set(reloader);
    health.watch(loop);
    loop.start();
    loop.awaitFirst();
    // Not before the first snapshot, which it would slow down by the classes it loads.
    identities.start();
    // Nor before the first scrape, if somebody waits for one: it would slow that down.
    http.awaitScrape(FIRST_SCRAPE);
    if (grpc != null) {
      startGrpc(grpc, loop, events, pods);
    }
    reloader.start();
    Libbpf.releaseMemory();
    LOG.info(
        "agent started",
        "metrics",
        url() + "/metrics",
        "probes_up",
        probes.reports().stream().filter(ProbeReport::up).count(),
        "probes",
        probes.reports().size());
  }

  static SeriesLimits seriesLimits(Config config) {
    return new SeriesLimits(
        config.get(Options.MAX_SERIES_PER_METRIC),
        config.get(Options.MAX_SERIES).orElseGet(SeriesLimits::fittingIntoTheHeap));
  }

  private HttpFrontend listen() throws StartException {
    Endpoint at = config.get(Options.LISTEN);
    HttpConfig http =
        HttpConfig.listen(at.host(), at.port())
            .withMaxConnections(config.get(Options.MAX_CONNECTIONS))
            .withClassicHistograms(config.get(Options.CLASSIC_HISTOGRAMS));
    try {
      return OneNioFrontend.start(http, access.access(), health::latest, health::readiness);
    } catch (ListenException e) {
      throw new StartException(listenFailure("--listen", at, e));
    }
  }

  private static StartFailure listenFailure(String flag, Endpoint at, IOException e) {
    return e.getCause() instanceof BindException bind
            && String.valueOf(bind.getMessage()).contains("in use")
        ? new StartFailure.PortTaken(flag, at)
        : new StartFailure.Broken(String.valueOf(e.getMessage()), "");
  }

  private static void report(List<ProbeReport> reports) {
    for (ProbeReport r : reports) {
      if (r.up()) {
        LOG.info("probe attached", "probe", r.probe(), "mechanism", r.mechanism());
      } else {
        LOG.warn("probe is down", "probe", r.probe(), "missing", r.metrics(), "why", r.whyDown());
      }
    }
  }

  private void reportMemory(MemoryPlan plan) {
    if (!plan.leftOut().isEmpty()) {
      LOG.warn(
          "BPF memory limit: some things are left out",
          "limit_bytes",
          config.get(Options.BPF_MEMORY_LIMIT),
          "uses_bytes",
          plan.bytes(),
          "left_out",
          plan.leftOut(),
          "why",
          "raise --bpf-memory-limit or lower --max-workloads");
    }
  }

  private static void reportHeap(int workloads) {
    int fitting = SeriesLimits.workloadsFittingIntoTheHeap();
    if (workloads > fitting) {
      LOG.warn(
          "the heap may be too small for --max-workloads: if so many come, the agent ends",
          "max_workloads",
          workloads,
          "heap_has_room_for",
          fitting,
          "why",
          "lower --max-workloads, or give the JVM more: SONDE_JAVA_OPTS=-Xmx...m");
    }
  }

  private static void adoptOldSockets(KernelSource kernel) {
    try {
      kernel.adoptOldSockets();
    } catch (BpfException e) {
      LOG.warn(
          "sockets older than the agent have no owner until their next I/O", "reason", e.reason());
    }
  }

  private static void soon(@Nullable SnapshotLoop loop) {
    if (loop != null) {
      loop.soon();
    }
  }

  private @Nullable EventDrain drain(KernelSource kernel, EventRouter router, Runnable watch) {
    EventReader reader = kernel.eventReader();
    if (reader == null) {
      return null;
    }
    Runnable afterPass =
        () -> {
          router.release();
          watch.run();
        };
    EventDrain drain = own(new EventDrain(reader, router, afterPass));
    drain.start();
    return drain;
  }

  /** Clients may connect and wait; null if there is to be no gRPC. */
  private @Nullable GrpcPort listenGrpc() throws StartException {
    Optional<Endpoint> at = config.get(Options.GRPC_LISTEN);
    if (at.isEmpty()) {
      return null;
    }
    try {
      return own(
          GrpcPort.listen(
              new InetSocketAddress(at.get().host(), at.get().port()), access.access()));
    } catch (GrpcStartException e) {
      throw new StartException(listenFailure("--grpc-listen", at.get(), e));
    }
  }

  /** After the first snapshot: gRPC's classes cost more to load than all before them. */
  private void startGrpc(GrpcPort port, SnapshotLoop loop, EventHub events, PodTable pods)
      throws StartException {
    GrpcFrontend.Inputs inputs =
        new GrpcFrontend.Inputs(
            loop::latest,
            health::readiness,
            events,
            () -> pods.known().stream().map(Agent::info).toList());
    try {
      own(GrpcFrontend.start(port, inputs));
    } catch (GrpcStartException e) {
      throw new StartException(new StartFailure.Broken(String.valueOf(e.getMessage()), ""));
    }
  }

  private static WorkloadInfo info(CgroupInfo c) {
    return new WorkloadInfo(c.workload(), c.path(), c.id(), c.alive());
  }

  private <T extends AutoCloseable> T own(T thing) {
    owned.add(thing);
    return thing;
  }

  /** Where HTTP answers, with the port that was taken if 0 was asked for. */
  public String url() {
    InetSocketAddress at = Objects.requireNonNull(httpAddress, "the agent is started");
    String host = at.getAddress().getHostAddress();
    return (access.access().encrypted() ? "https://" : "http://")
        + (host.contains(":") ? "[" + host + "]" : host)
        + ":"
        + at.getPort();
  }

  @Override
  public synchronized void close() {
    if (closed) {
      return;
    }
    closed = true;
    for (AutoCloseable thing : owned.reversed()) {
      try {
        thing.close();
      } catch (Exception e) {
        LOG.warn("closing failed", e, "what", thing.getClass().getSimpleName());
      }
    }
  }
}
