package dev.sonde.agent.truth;

import static dev.sonde.agent.truth.TcpMoved.RETRANSMITS;
import static dev.sonde.agent.truth.TcpMoved.proof;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.google.protobuf.DynamicMessage;
import com.google.protobuf.Message;
import dev.sonde.exporter.grpc.GenericGrpcClient;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Retransmit events: each one that happened is delivered, or counted as lost and where. */
class TcpEventsIT {
  private static final String WATCH = "sonde.v1.Observer/WatchEvents";

  /** How the sender's socket sees the address. */
  enum Family {
    IPV4,
    MAPPED,
    IPV6
  }

  /** One event of the stream. */
  private record Retransmit(
      String pod, String type, long segments, String state, String local, String remote) {
    static Retransmit of(DynamicMessage event) {
      Message e = (Message) get(event, "event");
      Message r = (Message) get(e, "tcp_retransmit");
      return new Retransmit(
          (String) get((Message) get(e, "workload"), "pod"),
          (String) get(r, "type"),
          ((Integer) get(r, "segments")).longValue(),
          (String) get(r, "state"),
          (String) get(r, "local"),
          (String) get(r, "remote"));
    }
  }

  private static Object get(Message message, String field) {
    return message.getField(message.getDescriptorForType().findFieldByName(field));
  }

  private static DynamicMessage next(GenericGrpcClient.Stream stream) throws InterruptedException {
    return requireNonNull(stream.next(), "the stream ended");
  }

  private static boolean is(DynamicMessage answer, String kind) {
    return answer.hasField(answer.getDescriptorForType().findFieldByName(kind));
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void streamsWhatIsCounted(Family family) throws InterruptedException {
    try (AgentProcess agent = AgentProcess.start("--probes", "all,-sched");
        GenericGrpcClient client = GenericGrpcClient.connect("127.0.0.1", agent.grpcPort());
        LossyPair net = LossyPair.create(5);
        PodCgroup sender = PodCgroup.create();
        PodCgroup receiver = PodCgroup.create()) {
      assertThat(services(client))
          .contains(
              "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection", "sonde.v1.Observer");
      if (family == Family.IPV6) {
        Command.run("ip", "-n", net.a(), "addr", "add", "fd99::1/64", "dev", "eth0", "nodad");
        Command.run("ip", "-n", net.b(), "addr", "add", "fd99::2/64", "dev", "eth0", "nodad");
      }
      try (TcpPeer to = TcpPeer.startIn(net.b(), receiver);
          TcpPeer from =
              family == Family.IPV4
                  ? TcpPeer.startIpv4In(net.a(), sender)
                  : TcpPeer.startIn(net.a(), sender);
          GenericGrpcClient.Stream stream =
              client.stream(
                  WATCH,
                  "{\"kinds\":[\"EVENT_KIND_TCP_RETRANSMIT\"],\"matchers\":[{\"label\":\"pod\",\"equal\":\""
                      + sender.pod()
                      + "\"}]}")) {
        assertThat(is(next(stream), "started")).isTrue();
        String remoteHost = family == Family.IPV6 ? "fd99::2" : net.addressB();
        int[] ports = new int[2];
        TcpMoved moved =
            TcpMoved.during(
                agent,
                () -> {
                  ports[1] = to.listen(remoteHost);
                  ports[0] = from.connect(remoteHost, ports[1]);
                  to.tell("accept");
                  to.begin("echo 65536");
                  from.tell("ask 200 500");
                  to.begin("close");
                  from.tell("shutdown");
                  to.answer();
                });
        Map<String, Long> counted = new HashMap<>();
        for (String type : List.of("timeout", "fast", "tail_loss_probe", "syn", "synack")) {
          counted.merge(type, moved.retransmits(sender, type), Long::sum);
        }
        List<Retransmit> streamed = new ArrayList<>();
        long gaps = 0;
        while (streamed.stream().mapToLong(Retransmit::segments).sum() + gaps
            < moved.retransmits(sender)) {
          await("the next event").atMost(Duration.ofSeconds(10)).until(() -> stream.waiting() > 0);
          DynamicMessage next = next(stream);
          if (is(next, "lost")) {
            gaps += ((Long) get((Message) get(next, "lost"), "count"));
          } else {
            streamed.add(Retransmit.of(next));
          }
        }
        Map<String, Long> byType = new HashMap<>();
        counted.keySet().forEach(type -> byType.put(type, 0L));
        streamed.forEach(e -> byType.merge(e.type(), e.segments(), Long::sum));
        proof(
            "%s: %d events of %d segments streamed, %d lost on the stream, %d segments counted of"
                + " %d resent; first %s",
            family,
            streamed.size(),
            streamed.stream().mapToLong(Retransmit::segments).sum(),
            gaps,
            moved.retransmits(sender),
            Netns.retransmitted(net.a()),
            streamed.isEmpty() ? "none" : streamed.getFirst());
        assertThat(gaps).isZero();
        assertThat(streamed).isNotEmpty();
        assertThat(byType).isEqualTo(counted);
        assertThat(stream.waiting()).as("more events than segments").isZero();
        String local = address(family, net.addressA(), "fd99::1") + ":" + ports[0];
        String remote = address(family, net.addressB(), "fd99::2") + ":" + ports[1];
        assertThat(streamed)
            .allSatisfy(
                e -> {
                  assertThat(e.pod()).isEqualTo(sender.pod());
                  assertThat(e.local()).isEqualTo(local);
                  assertThat(e.remote()).isEqualTo(remote);
                  assertThat(e.state())
                      .isIn(
                          e.type().equals("syn")
                              ? List.of("syn-sent")
                              : List.of(
                                  "established",
                                  "fin-wait-1",
                                  "fin-wait-2",
                                  "closing",
                                  "last-ack"));
                });
        awaitDelivered(agent);
      }
    }
  }

  private static String address(Family family, String v4, String v6) {
    return switch (family) {
      case IPV4 -> v4;
      case MAPPED -> "[::ffff:" + v4 + "]";
      case IPV6 -> "[" + v6 + "]";
    };
  }

  /** gRPC is served a little later than HTTP says that it is ready. */
  private static List<String> services(GenericGrpcClient client) {
    return await("gRPC")
        .atMost(Duration.ofSeconds(20))
        .ignoreExceptions()
        .until(client::services, s -> !s.isEmpty());
  }

  /** The drain has its own pace. */
  private static void awaitDelivered(AgentProcess agent) {
    await("every written event to be read")
        .atMost(Duration.ofSeconds(20))
        .until(
            () -> {
              Scrape at = agent.fresh();
              return at.sum("sonde_events_read_total") == at.sum("sonde_events_written_total");
            });
  }

  /** A SYN-ACK's event names the listener's side and the request's addresses. */
  @Test
  void describesSynAcks() throws InterruptedException {
    try (AgentProcess agent = AgentProcess.start("--probes", "all,-sched");
        GenericGrpcClient client = GenericGrpcClient.connect("127.0.0.1", agent.grpcPort());
        LossyPair net = LossyPair.create(0);
        PodCgroup serverPod = PodCgroup.create();
        PodCgroup clientPod = PodCgroup.create();
        TcpPeer server = TcpPeer.startIpv4In(net.b(), serverPod);
        TcpPeer peer = TcpPeer.startIpv4In(net.a(), clientPod)) {
      assertThat(services(client)).isNotEmpty();
      GenericGrpcClient.Stream stream =
          client.stream(
              WATCH, "{\"matchers\":[{\"label\":\"pod\",\"equal\":\"" + serverPod.pod() + "\"}]}");
      assertThat(is(next(stream), "started")).isTrue();
      Netns.dropArriving(net.a(), "tcp flags & (syn|ack) == syn|ack");
      int port = server.listen(net.addressB());
      peer.begin("connect " + net.addressB() + " " + port);
      await("an event").atMost(Duration.ofSeconds(15)).until(() -> stream.waiting() > 0);
      Retransmit event = Retransmit.of(next(stream));
      Netns.dropNothing(net.a());
      long from = peer.answer();
      proof("SYN-ACK: %s", event);
      assertThat(event)
          .isEqualTo(
              new Retransmit(
                  serverPod.pod(),
                  "synack",
                  1,
                  "new-syn-recv",
                  net.addressB() + ":" + port,
                  net.addressA() + ":" + from));
    }
  }

  /** The buffer is full long before the load ends: what did not fit is counted, to the event. */
  @ParameterizedTest
  @ValueSource(strings = {"ring", "perf"})
  void accountsForEveryEventWhileTheAgentIsStopped(String buffer) {
    try (AgentProcess agent =
            AgentProcess.start(
                "--probes",
                "all,-sched",
                "--grpc-listen",
                "off",
                "--ring-buffer-bytes",
                "64KiB",
                "--mechanism",
                "buffer=" + buffer);
        LossyPair net = LossyPair.create(10);
        PodCgroup sender = PodCgroup.create();
        PodCgroup receiver = PodCgroup.create();
        TcpPeer to = TcpPeer.startIn(net.b(), receiver);
        TcpPeer from = TcpPeer.startIn(net.a(), sender)) {
      // a segment a packet, so that events are segments, and losses that are mended soon
      Command.run("ip", "-n", net.a(), "link", "set", "eth0", "gso_max_segs", "1");
      Command.run(
          "ip",
          "-n",
          net.a(),
          "route",
          "change",
          net.addressA().replaceFirst("\\d+$", "0/24"),
          "dev",
          "eth0",
          "rto_min",
          "5ms");
      from.connect(net.addressB(), to.listen(net.addressB()));
      to.tell("accept");
      long truthBefore = Netns.retransmitted(net.a()) + Netns.retransmitted(net.b());
      long elsewhereBefore = Netns.retransmittedBut(net.a()) - Netns.retransmitted(net.b());
      TcpMoved moved =
          TcpMoved.during(
              agent,
              () -> {
                signal(agent, "STOP");
                try {
                  to.begin("receive 40000000 65536");
                  from.tell("send 40000000 65536");
                  to.answer();
                } finally {
                  signal(agent, "CONT");
                }
                awaitDelivered(agent);
                // there is room again: now a perf buffer tells of what it dropped
                to.begin("receive 4000000 65536");
                from.tell("send 4000000 65536");
                to.answer();
                awaitDelivered(agent);
              });
      long truth = Netns.retransmitted(net.a()) + Netns.retransmitted(net.b()) - truthBefore;
      long elsewhere =
          Netns.retransmittedBut(net.a()) - Netns.retransmitted(net.b()) - elsewhereBefore;
      long written = moved.of("sonde_events_written_total");
      long read = moved.of("sonde_events_read_total");
      long reserve = moved.of("sonde_events_lost_total", "where", "reserve");
      long queue = moved.of("sonde_events_lost_total", "where", "queue");
      long recursion = moved.of("sonde_events_lost_total", "where", "recursion");
      proof(
          "stopped, %s of 64 KiB: %,d events: %,d written, all of them read (%,d), %,d lost for want"
              + " of room (queue says %,d), %,d nested; counter %,d",
          buffer, truth, written, read, reserve, queue, recursion, moved.of(RETRANSMITS));
      assertThat(reserve).as("the load must overflow the buffer").isPositive();
      assertThat(read).isEqualTo(written);
      assertThat(queue).as("the same losses, counted again").isZero();
      // each segment that was counted has its event, delivered or lost
      long counted = moved.of(RETRANSMITS);
      assertThat(written + reserve).isBetween(counted - elsewhere, counted);
      assertThat(counted)
          .isBetween(Math.round(truth * 0.98) - recursion, Math.round(truth * 1.02) + elsewhere);
    }
  }

  private static void signal(AgentProcess agent, String name) {
    Command.run("kill", "-" + name, Long.toString(agent.process().pid()));
  }
}
