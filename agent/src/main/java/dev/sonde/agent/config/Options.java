package dev.sonde.agent.config;

import static dev.sonde.agent.config.Command.AGENT;
import static dev.sonde.agent.config.Command.DOCTOR;
import static dev.sonde.agent.config.Command.PODS;

import dev.sonde.agent.config.Option.Shape;
import dev.sonde.agent.log.LogLevel;
import dev.sonde.agent.peers.PeerMask;
import dev.sonde.agent.probe.SchedSettings;
import dev.sonde.agent.probe.TcpThresholds;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * The table of all options. A new option is one row here, and {@code config.get(Options.ROW)} where
 * it is used: flag, variable, YAML key, help, validation and {@code --print-config} follow.
 */
public final class Options {
  /** Where the configuration file lies if nobody names one. */
  public static final Path DEFAULT_FILE = Path.of("/etc/sonde/sonde.yaml");

  private static final int MANY_SERIES = 100_000_000;

  /** What a pod with a service account finds. */
  private static final String SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount";

  public static final Option<Optional<Path>> CONFIG =
      Option.of("config", "FILE", Values::optionalPath)
          .withHelp("YAML file with options; default " + DEFAULT_FILE + " if it exists")
          .withExample(DEFAULT_FILE.toString())
          .onlyIn(Place.FLAG, Place.ENVIRONMENT)
          .forCommands(AGENT, DOCTOR, PODS);

  public static final Option<Endpoint> LISTEN =
      Option.of("listen", "HOST:PORT", Values::endpoint)
          .withDefault("127.0.0.1:9520")
          .withHelp("where HTTP answers: /metrics, /healthz, /readyz")
          .withExample("0.0.0.0:9520")
          .forCommands(AGENT, PODS);

  public static final Option<Optional<Endpoint>> GRPC_LISTEN =
      Option.of("grpc-listen", "HOST:PORT|off", Values::optionalEndpoint)
          .withDefault("127.0.0.1:9521")
          .withHelp("where gRPC answers (sonde.v1.Observer); off: nowhere")
          .withExample("127.0.0.1:9521")
          .forCommands(AGENT, PODS);

  public static final Option<Optional<Path>> TLS_CERT =
      Option.of("tls-cert", "FILE", Values::optionalPath)
          .withHelp(
              "PEM file: our certificate and its chain, for HTTP and gRPC; read as it rotates")
          .withExample("/etc/sonde-tls/tls.crt");

  public static final Option<Optional<Path>> TLS_KEY =
      Option.of("tls-key", "FILE", Values::optionalPath)
          .withHelp("PEM file: its key")
          .withExample("/etc/sonde-tls/tls.key");

  public static final Option<Optional<Path>> TLS_CLIENT_CA =
      Option.of("tls-client-ca", "FILE", Values::optionalPath)
          .withHelp("PEM file: whose certificates let a client in (beside a token)")
          .withExample("/etc/sonde-tls/ca.crt");

  public static final Option<Optional<Path>> TOKEN_FILE =
      Option.of("token-file", "FILE", Values::optionalPath)
          .withHelp("bearer tokens that let a client in, one a line; read as it rotates")
          .withExample("/etc/sonde-secret/token");

  public static final Option<Boolean> INSECURE =
      Option.ofSwitch("insecure")
          .withHelp("listen beyond loopback without TLS and token: something else guards the port");

  public static final Option<String> NODE_NAME =
      Option.of("node-name", "NAME", Values::nodeName)
          .withDefault(Options::hostName)
          .withHelp("the label 'node' of every series; default the host's name")
          .withExample("worker-1")
          .alsoFrom("NODE_NAME")
          .forCommands(AGENT, DOCTOR);

  public static final Option<Path> CGROUP_ROOT =
      Option.of("cgroup-root", "DIR", Values::directory)
          .withDefault("/sys/fs/cgroup")
          .withHelp("where the host's cgroups are mounted")
          .withExample("/sys/fs/cgroup")
          .forCommands(AGENT, DOCTOR, PODS);

  public static final Option<Path> PROC_ROOT =
      Option.of("proc-root", "DIR", Values::directory)
          .withDefault("/proc")
          .withHelp("where the host's proc is mounted")
          .withExample("/host/proc")
          .forCommands(AGENT, DOCTOR, PODS);

  public static final Option<Optional<Path>> BTF =
      Option.of("btf", "FILE", Values::optionalPath)
          .withHelp("the kernel's BTF, where it has no /sys/kernel/btf/vmlinux")
          .withExample("/var/lib/sonde/vmlinux.btf")
          .forCommands(AGENT, DOCTOR);

  public static final Option<Optional<Path>> LIBBPF =
      Option.of("libbpf", "FILE", Values::optionalPath)
          .withHelp("libbpf.so.1 to use; default the system's")
          .withExample("/opt/libbpf/libbpf.so.1")
          .forCommands(AGENT, DOCTOR);

  public static final Option<MechanismChoice> MECHANISM =
      Option.of("mechanism", "PROBE=MECHANISM", MechanismChoice::parse)
          .withShape(Shape.LIST)
          .withHelp("use this mechanism for a probe and no other; buffer=perf: no ring buffer")
          .withExample("sched=raw_tp,buffer=perf")
          .forCommands(AGENT, DOCTOR);

  public static final Option<ProbeSelection> PROBES =
      Option.of("probes", "LIST", ProbeSelection::parse)
          .withShape(Shape.LIST)
          .withDefault("all")
          .withHelp("which probes run: all; a,b; all,-c")
          .withExample("all,-sched")
          .forCommands(AGENT, DOCTOR);

  public static final Option<Duration> SNAPSHOT_INTERVAL =
      Option.of(
              "snapshot-interval",
              "DURATION",
              Quantities.duration(Duration.ofMillis(100), Duration.ofSeconds(60)))
          .withDefault("1s")
          .withHelp("how often the maps are read; the age of a scrape's values")
          .withExample("5s");

  public static final Option<Integer> MAX_WORKLOADS =
      Option.of("max-workloads", "N", Values.integer(16, 65_536))
          .withDefault("2048")
          .withHelp("containers and units with series of their own; the rest is ~other")
          .withExample("4096")
          .forCommands(AGENT, DOCTOR);

  public static final Option<Integer> MAX_SERIES_PER_METRIC =
      Option.of("max-series-per-metric", "N", Values.integer(1, MANY_SERIES))
          .withDefault("20000")
          .withHelp("series of workloads that a metric may have; the rest is in its ~other")
          .withExample("50000");

  public static final Option<Optional<Integer>> MAX_SERIES =
      Option.of("max-series", "N|auto", Options::maxSeries)
          .withDefault("auto")
          .withHelp("likewise, of all metrics together; auto: what the heap has room for")
          .withExample("30000");

  public static final Option<Long> BPF_MEMORY_LIMIT =
      Option.of("bpf-memory-limit", "SIZE", Quantities.size(1_000_000, 1L << 40))
          .withDefault("256MB")
          .withHelp("memory of the BPF maps; what does not fit is left out, and said")
          .withExample("64MB")
          .forCommands(AGENT, DOCTOR);

  public static final Option<List<Duration>> SCHED_DEADLINES =
      Option.of(
              "sched-deadlines",
              "LIST",
              Quantities.durations(
                  Duration.ofNanos(1), Duration.ofMinutes(1), SchedSettings.MAX_DEADLINES))
          .withShape(Shape.LIST)
          .withDefault("15us,1ms,10ms")
          .withHelp("count waits for a CPU that are longer than these; off: none")
          .withExample("100us,5ms");

  public static final Option<Duration> SCHED_LONG_WAIT =
      Option.of(
              "sched-long-wait",
              "DURATION",
              Quantities.duration(Duration.ZERO, Duration.ofHours(1)))
          .withDefault("100ms")
          .withHelp("waits for a CPU longer than this are events; 0: none")
          .withExample("20ms");

  public static final Option<Integer> SCHED_NEIGHBOURS =
      Option.of("sched-neighbours", "K", Values.integer(0, 1000))
          .withDefault("5")
          .withHelp(
              "workloads named for taking a victim's CPU, the rest is ~other; 0: not found out")
          .withExample("10");

  public static final Option<TcpThresholds> TCP_FINDINGS =
      Option.of("tcp-findings", "FINDING=N", Options::tcpThresholds)
          .withShape(Shape.LIST)
          .withHelp(
              "from how many on sonde_tcp_findings says so; default reconnect_churn=6000,"
                  + "time_wait_leak=10000,close_wait_leak=100,accept_queue_full=10")
          .withExample("reconnect_churn=20000,close_wait_leak=500");

  public static final Option<Integer> TCP_PEERS =
      Option.of("tcp-peers", "K", Values.integer(0, 100))
          .withDefault("0")
          .withHelp("destinations named for each workload's connects, the rest is ~other; 0: none")
          .withExample("10");

  public static final Option<PeerMask> TCP_PEER_MASK =
      Option.of("tcp-peer-mask", "BITS4,BITS6", Options::peerMask)
          .withDefault("24,64")
          .withHelp("what is told of the address of a destination that is no pod of this node")
          .withExample("32,128");

  public static final Option<Duration> TCP_LONG_WAIT =
      Option.of(
              "tcp-long-wait", "DURATION", Quantities.duration(Duration.ZERO, Duration.ofHours(1)))
          .withDefault("1s")
          .withHelp("connections and data that wait longer than this are events; 0: none")
          .withExample("200ms");

  public static final Option<Integer> RING_BUFFER_BYTES =
      Option.of("ring-buffer-bytes", "SIZE", Quantities.ringBytes(64 << 10, 256 << 20))
          .withDefault("1MiB")
          .withHelp("the event buffer; a power of two")
          .withExample("4MiB")
          .forCommands(AGENT, DOCTOR);

  public static final Option<Integer> MAX_CONNECTIONS =
      Option.of("max-connections", "N", Values.integer(1, 10_000))
          .withDefault("64")
          .withHelp("HTTP connections at a time; more are refused")
          .withExample("128");

  public static final Option<Boolean> CLASSIC_HISTOGRAMS =
      Option.ofSwitch("classic-histograms")
          .withDefault("true")
          .withExample("false")
          .withHelp("offer classic buckets beside the native histograms");

  public static final Option<Boolean> BPF_STATS =
      Option.ofSwitch("bpf-stats")
          .withHelp("count runs and run time of the BPF programs; costs time on every event");

  public static final Option<Duration> STALE_AFTER =
      Option.of("stale-after", "DURATION", Quantities.duration(Duration.ZERO, Duration.ofDays(1)))
          .withDefault("5m")
          .withHelp("how long the series of an ended pod stay exposed")
          .withExample("10m");

  public static final Option<CriEndpoint> CRI_ENDPOINT =
      Option.of("cri-endpoint", "SOCKET|auto|off", CriEndpoint::parse)
          .withDefault("auto")
          .withHelp("the container runtime's socket, for the names of pods; auto: the usual places")
          .withExample("unix:///run/containerd/containerd.sock")
          .forCommands(AGENT, DOCTOR, PODS);

  public static final Option<Optional<URI>> KUBELET_ENDPOINT =
      Option.of("kubelet-endpoint", "URL|off", Values::httpsEndpoint)
          .withDefault("off")
          .withHelp("the kubelet, asked for names that the runtime does not tell")
          .withExample("https://127.0.0.1:10250")
          .forCommands(AGENT, DOCTOR, PODS);

  public static final Option<Path> KUBELET_CA =
      Option.of("kubelet-ca", "FILE", Values::path)
          .withDefault(SERVICE_ACCOUNT + "/ca.crt")
          .withHelp("PEM file: whose certificates the kubelet may have; none there: the JDK's")
          .withExample("/etc/kubernetes/pki/ca.crt")
          .forCommands(AGENT, DOCTOR, PODS);

  public static final Option<Path> KUBELET_TOKEN =
      Option.of("kubelet-token", "FILE", Values::path)
          .withDefault(SERVICE_ACCOUNT + "/token")
          .withHelp("the token for the kubelet; read at every request")
          .withExample(SERVICE_ACCOUNT + "/token")
          .forCommands(AGENT, DOCTOR, PODS);

  public static final Option<Boolean> KUBELET_INSECURE =
      Option.ofSwitch("kubelet-insecure-skip-verify")
          .withHelp("take any certificate from the kubelet")
          .forCommands(AGENT, DOCTOR, PODS);

  public static final Option<PodLabels> POD_LABELS =
      Option.of("pod-labels", "LIST", Options::podLabels)
          .withShape(Shape.LIST)
          .withHelp("labels of pods that become labels of sonde_pod_info")
          .withExample("app,app.kubernetes.io/version");

  public static final Option<Boolean> WATCH =
      Option.ofSwitch("watch").onlyIn(Place.FLAG).withHelp("print a line a second of what is seen");

  public static final Option<Optional<Path>> TRAIN =
      Option.of("train", "FILE", Values::optionalPath)
          .onlyIn(Place.FLAG)
          .withHelp(
              "serve a scrape of each format to itself, list what reads probes in FILE, end: for the build")
          .withExample("probes.classes");

  public static final Option<LogLevel> LOG_LEVEL =
      Option.of("log-level", "LEVEL", Values::logLevel)
          .withDefault("info")
          .withHelp("error, warn, info, debug; debug shows stack traces")
          .withExample("debug")
          .forCommands(AGENT, DOCTOR, PODS);

  /** Every row, in the order of the help. */
  public static final List<Option<?>> ALL =
      List.of(
          CONFIG,
          LISTEN,
          GRPC_LISTEN,
          TLS_CERT,
          TLS_KEY,
          TLS_CLIENT_CA,
          TOKEN_FILE,
          INSECURE,
          NODE_NAME,
          CGROUP_ROOT,
          PROC_ROOT,
          BTF,
          LIBBPF,
          MECHANISM,
          PROBES,
          SNAPSHOT_INTERVAL,
          MAX_WORKLOADS,
          MAX_SERIES_PER_METRIC,
          MAX_SERIES,
          BPF_MEMORY_LIMIT,
          SCHED_DEADLINES,
          SCHED_LONG_WAIT,
          SCHED_NEIGHBOURS,
          TCP_FINDINGS,
          TCP_PEERS,
          TCP_PEER_MASK,
          TCP_LONG_WAIT,
          RING_BUFFER_BYTES,
          MAX_CONNECTIONS,
          CLASSIC_HISTOGRAMS,
          BPF_STATS,
          STALE_AFTER,
          CRI_ENDPOINT,
          KUBELET_ENDPOINT,
          KUBELET_CA,
          KUBELET_TOKEN,
          KUBELET_INSECURE,
          POD_LABELS,
          WATCH,
          TRAIN,
          LOG_LEVEL);

  private Options() {}

  /** The rows whose flags {@code command} takes. */
  public static List<Option<?>> of(Command command) {
    return ALL.stream().<Option<?>>map(o -> o).filter(o -> o.commands().contains(command)).toList();
  }

  private static Optional<Integer> maxSeries(String text) throws BadValueException {
    return text.equals("auto")
        ? Optional.empty()
        : Optional.of(Values.integer(1, MANY_SERIES).parse(text));
  }

  private static PodLabels podLabels(String text) throws BadValueException {
    try {
      return PodLabels.of(ProbeSelection.items(text));
    } catch (IllegalArgumentException e) {
      throw new BadValueException(String.valueOf(e.getMessage()));
    }
  }

  private static TcpThresholds tcpThresholds(String text) throws BadValueException {
    try {
      return TcpThresholds.of(ProbeSelection.items(text));
    } catch (IllegalArgumentException e) {
      throw new BadValueException(String.valueOf(e.getMessage()));
    }
  }

  private static PeerMask peerMask(String text) throws BadValueException {
    try {
      return PeerMask.parse(text);
    } catch (IllegalArgumentException e) {
      throw new BadValueException(String.valueOf(e.getMessage()));
    }
  }

  private static String hostName() {
    // gethostname(2) as a file: no library to load for it at start.
    try {
      return Files.readString(Path.of("/proc/sys/kernel/hostname")).strip();
    } catch (IOException e) {
      return "localhost";
    }
  }
}
