package dev.sonde.agent.truth;

import static dev.sonde.agent.truth.TcpMoved.proof;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.google.protobuf.Message;
import dev.sonde.exporter.grpc.GenericGrpcClient;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The end of a finding: a minute in which its threshold was not reached, which is why this is no
 * part of {@link TcpFindingsIT}.
 */
class TcpFindingsSoak {
  private static final String FINDINGS = "sonde_tcp_findings";

  @TempDir Path directory;

  @Test
  void aFindingEndsAMinuteAfterItsCause() throws InterruptedException {
    String program = Compiled.program(directory, "tcp_load").toString();
    try (LossyPair net = LossyPair.create(0);
        AgentProcess agent =
            AgentProcess.start("--probes", "all,-sched", "--tcp-findings", "accept_queue_full=20");
        GenericGrpcClient grpc = GenericGrpcClient.connect("127.0.0.1", agent.grpcPort());
        PodCgroup leaky = PodCgroup.create();
        PodCgroup full = PodCgroup.create();
        PodCgroup clientPod = PodCgroup.create();
        TcpPeer queue = TcpPeer.startIn(net.b(), full);
        TcpPeer client = TcpPeer.startIn(net.a(), clientPod);
        TcpPeer leak = peer(leaky, net.b(), program, "serve", net.addressB(), "leak")) {
      await("gRPC").ignoreExceptions().until(grpc::services, s -> !s.isEmpty());
      String port = Long.toString(leak.answer());
      try (GenericGrpcClient.Stream stream =
              grpc.stream(
                  "sonde.v1.Observer/WatchEvents", "{\"kinds\":[\"EVENT_KIND_TCP_FINDING\"]}");
          TcpPeer visit =
              peer(
                  clientPod,
                  net.a(),
                  program,
                  "visit",
                  net.addressB(),
                  port,
                  "client",
                  "150",
                  "1")) {
        assertThat(Message.class.cast(stream.next())).as("started").isNotNull();
        assertThat(visit.answer()).isEqualTo(150);
        long listener = queue.tell("queue " + net.addressB() + " 10");
        client.tell("flood " + net.addressB() + " " + listener + " 100");
        awaitHolds(agent, full, "accept_queue_full", true);
        queue.tell("release");
        client.tell("release");
        long noMoreDrops = System.nanoTime();
        awaitHolds(agent, leaky, "close_wait_leak", true);
        Command.run("kill", "-9", Long.toString(leak.pid()));
        long closed = System.nanoTime();
        awaitHolds(agent, leaky, "close_wait_leak", false);
        double leakEnd = (System.nanoTime() - closed) / 1e9;
        awaitHolds(agent, full, "accept_queue_full", false);
        double queueEnd = (System.nanoTime() - noMoreDrops) / 1e9;
        proof(
            "findings end: CLOSE_WAIT %.0f s after the sockets were closed, a full queue %.0f s"
                + " after the last connection that it had no room for",
            leakEnd, queueEnd);
        // a minute in which it was not; what is counted over a minute stays in it for one more
        assertThat(leakEnd).isBetween(59.0, 70.0);
        assertThat(queueEnd).isBetween(100.0, 130.0);
        assertThat(agent.log().lines().filter(l -> l.contains("TCP finding is over"))).hasSize(2);
        int ended = 0;
        while (stream.waiting() > 0) {
          Message event = (Message) get(requireNonNull(stream.next()), "event");
          Message finding = (Message) get(event, "tcp_finding");
          ended += (Boolean) get(finding, "holds") ? 0 : 1;
        }
        assertThat(ended).as("events of an end").isEqualTo(2);
      }
    }
  }

  private static TcpPeer peer(PodCgroup pod, String namespace, String... command) {
    String[] all = new String[command.length + 4];
    System.arraycopy(new String[] {"ip", "netns", "exec", namespace}, 0, all, 0, 4);
    System.arraycopy(command, 0, all, 4, command.length);
    return TcpPeer.of(pod, all);
  }

  private static void awaitHolds(AgentProcess agent, PodCgroup pod, String finding, boolean holds) {
    await(finding + " to be " + holds)
        .atMost(Duration.ofMinutes(3))
        .pollInterval(Duration.ofMillis(200))
        .until(
            () -> agent.scrape().sum(FINDINGS, pod.labels("finding", finding)) == (holds ? 1 : 0));
  }

  private static Object get(Message message, String field) {
    return message.getField(message.getDescriptorForType().findFieldByName(field));
  }
}
