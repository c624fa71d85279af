package dev.sonde.exporter.grpc;

import dev.sonde.exporter.events.EventHub;
import dev.sonde.exporter.model.Event;
import dev.sonde.exporter.model.Family;
import dev.sonde.exporter.model.Histogram;
import dev.sonde.exporter.model.Labels;
import dev.sonde.exporter.model.Metric;
import dev.sonde.exporter.model.Readiness;
import dev.sonde.exporter.model.Series;
import dev.sonde.exporter.model.Snapshot;
import dev.sonde.exporter.model.Workload;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A server on a free port of loopback, with inputs that tests set, and a generic client. */
final class GrpcFixture implements AutoCloseable {
  static final String QUERY = "sonde.v1.Observer/Query";
  static final String LIST = "sonde.v1.Observer/ListWorkloads";
  static final String WATCH = "sonde.v1.Observer/WatchEvents";
  static final String HEALTH = "grpc.health.v1.Health/Check";

  static final Instant AT = Instant.parse("2026-02-03T04:05:06.789Z");
  static final Workload WEB = new Workload("shop", "web-1", "nginx", "");
  static final Workload DB = new Workload("shop", "db-0", "postgres", "");
  static final Workload SSH = Workload.unit("ssh.service");

  static final Metric SENT = Metric.counter("sonde_tcp_sent_bytes_total", "Bytes sent.");
  static final Metric OPEN = Metric.gauge("sonde_open_files", "Open descriptors.");
  static final Metric WAIT = Metric.histogram("sonde_sched_run_queue_seconds", "Waits.", -40, 0);

  final EventHub hub = new EventHub();
  volatile @Nullable Snapshot snapshot = smallSnapshot();
  volatile Readiness readiness = new Readiness.Ready();
  volatile List<WorkloadInfo> workloads =
      List.of(
          new WorkloadInfo(WEB, "/kubepods/pod1/c1", 4711, true),
          new WorkloadInfo(DB, "/kubepods/pod2/c2", 4712, false),
          new WorkloadInfo(SSH, "/system.slice/ssh.service", -1L, true));

  final GrpcFrontend server;
  final GenericGrpcClient client;

  GrpcFixture() throws GrpcStartException {
    server = GrpcFrontend.start(loopback(0), inputs());
    client = newClient();
  }

  GrpcFrontend.Inputs inputs() {
    return new GrpcFrontend.Inputs(() -> snapshot, () -> readiness, hub, () -> workloads);
  }

  static InetSocketAddress loopback(int port) {
    return new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), port);
  }

  int port() {
    return server.address().getPort();
  }

  GenericGrpcClient newClient() {
    return GenericGrpcClient.connect("127.0.0.1", port());
  }

  void publish(Workload owner) {
    long n = hub.nextSequence();
    hub.publish(
        new Event.TcpRetransmit(
            n,
            AT,
            Duration.ofMillis(1500),
            owner,
            "timeout",
            2,
            "established",
            "10.0.0.1:5201",
            "[fd00::1]:443"));
  }

  @Override
  public void close() {
    client.close();
    server.close();
    hub.close();
  }

  static Snapshot smallSnapshot() {
    Workload[] owners = {WEB, DB, SSH};
    Series[] sent = new Series[3];
    Series[] open = new Series[3];
    for (int i = 0; i < 3; i++) {
      sent[i] = new Series(SENT, Labels.of("node-a", owners[i]), 1_000);
      open[i] = new Series(OPEN, Labels.of("node-a", owners[i]), 1_000);
    }
    Series[] wait = {new Series(WAIT, Labels.of("node-a", WEB, "reason", "wakeup"), 2_500)};
    Histogram[] waits = {
      new Histogram(Histogram.upperBound(-41), 7, -40, new long[] {1, 0, 5}, 2, 0.25)
    };
    return new Snapshot(
        42,
        AT,
        List.of(
            new Family.Scalars(SENT, sent, new double[] {1e6, 2e6, 3e6}),
            new Family.Scalars(OPEN, open, new double[] {11, 12, 13}),
            new Family.Histograms(WAIT, wait, waits)));
  }

  /** One counter with so many series, each of a pod of its own. */
  static Snapshot largeSnapshot(int size) {
    Series[] series = new Series[size];
    double[] values = new double[size];
    for (int i = 0; i < size; i++) {
      Workload owner = new Workload("a-namespace-of-some-length", "pod-" + i, "container", "");
      series[i] = new Series(SENT, Labels.of("node-a", owner), 1_000);
      values[i] = i;
    }
    return new Snapshot(43, AT, List.of(new Family.Scalars(SENT, series, values)));
  }
}
