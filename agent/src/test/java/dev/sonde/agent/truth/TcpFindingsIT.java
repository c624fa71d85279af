package dev.sonde.agent.truth;

import static dev.sonde.agent.truth.TcpMoved.proof;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.google.protobuf.DynamicMessage;
import com.google.protobuf.Message;
import dev.sonde.exporter.grpc.GenericGrpcClient;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Workloads that leak and churn connections, and one beside them that is busy and does not, each in
 * a network namespace and a container of its own.
 */
class TcpFindingsIT {
  private static final String FINDINGS = "sonde_tcp_findings";
  private static final int PER_SECOND = 334; // 20,000 a minute
  private static final int BUSY_SECONDS = 40;

  @TempDir Path directory;

  /** One event of the stream. */
  private record Found(String pod, String finding, boolean holds, long count, long threshold) {
    static Found of(DynamicMessage message) {
      Message event = (Message) get(message, "event");
      Message f = (Message) get(event, "tcp_finding");
      return new Found(
          (String) get((Message) get(event, "workload"), "pod"),
          (String) get(f, "finding"),
          (Boolean) get(f, "holds"),
          (Long) get(f, "count"),
          (Long) get(f, "threshold"));
    }

    private static Object get(Message message, String field) {
      return message.getField(message.getDescriptorForType().findFieldByName(field));
    }
  }

  /** A server and a client in two containers, on the loopback device of one namespace. */
  private record Load(PodCgroup serverPod, PodCgroup clientPod, TcpPeer server, TcpPeer client)
      implements AutoCloseable {
    static Load start(String program, String namespace, String how, String what, Object... more) {
      PodCgroup serverPod = PodCgroup.create();
      PodCgroup clientPod = PodCgroup.create();
      TcpPeer server = peer(serverPod, namespace, program, "serve", "127.0.0.1", how);
      List<String> visit = new ArrayList<>(List.of(program, what, "127.0.0.1"));
      visit.add(Long.toString(server.answer()));
      for (Object m : more) {
        visit.add(m.toString());
      }
      TcpPeer client = peer(clientPod, namespace, visit.toArray(String[]::new));
      return new Load(serverPod, clientPod, server, client);
    }

    private static TcpPeer peer(PodCgroup pod, String namespace, String... command) {
      List<String> all = new ArrayList<>(List.of("ip", "netns", "exec", namespace));
      all.addAll(List.of(command));
      return TcpPeer.of(pod, all.toArray(String[]::new));
    }

    @Override
    public void close() {
      client.close();
      server.close();
      clientPod.close();
      serverPod.close();
    }
  }

  private static boolean holds(AgentProcess agent, PodCgroup pod, String finding) {
    return agent.scrape().sum(FINDINGS, pod.labels("finding", finding)) == 1;
  }

  private static void awaitFound(AgentProcess agent, PodCgroup pod, String finding) {
    await(finding + " of " + pod.pod())
        .atMost(Duration.ofSeconds(60))
        .until(() -> holds(agent, pod, finding));
  }

  /** A listener with a short queue that nobody takes from, and one who knocks too often. */
  private record Full(PodCgroup pod, TcpPeer server, TcpPeer client) implements AutoCloseable {
    static Full start(LossyPair net, PodCgroup clientPod) {
      PodCgroup pod = PodCgroup.create();
      TcpPeer server = TcpPeer.startIn(net.b(), pod);
      TcpPeer client = TcpPeer.startIn(net.a(), clientPod);
      long port = server.tell("queue " + net.addressB() + " 10");
      client.tell("flood " + net.addressB() + " " + port + " 100");
      return new Full(pod, server, client);
    }

    @Override
    public void close() {
      client.close();
      server.close();
      pod.close();
    }
  }

  @Test
  void findsLeaksAndChurnWithinAMinuteAndNoBusyServer() throws InterruptedException {
    String program = Compiled.program(directory, "tcp_load").toString();
    try (LossyPair net = LossyPair.create(0);
        // sockets that are older than the agent
        Load old = Load.start(program, net.a(), "leak", "visit", "client", 100, 1)) {
      assertThat(old.client().answer()).isEqualTo(100);
      assertThat(Netns.sockets(net.a(), "state", "close-wait")).isEqualTo(100);
      try (AgentProcess agent =
              AgentProcess.start(
                  "--probes", "all,-sched", "--tcp-findings", "accept_queue_full=20");
          GenericGrpcClient client = GenericGrpcClient.connect("127.0.0.1", agent.grpcPort())) {
        await("gRPC").ignoreExceptions().until(client::services, s -> !s.isEmpty());
        find(agent, client, net, program, old);
      }
    }
  }

  private static void find(
      AgentProcess agent, GenericGrpcClient client, LossyPair net, String program, Load old)
      throws InterruptedException {
    long begun = System.nanoTime();
    try (GenericGrpcClient.Stream stream =
            client.stream(
                "sonde.v1.Observer/WatchEvents", "{\"kinds\":[\"EVENT_KIND_TCP_FINDING\"]}");
        // ends its connections first: churn, and TIME_WAIT is its own
        Load first = Load.start(program, net.a(), "client", "visit", "client", PER_SECOND, 60);
        // lets the server end them first: churn, and TIME_WAIT is the server's
        Load last = Load.start(program, net.b(), "server", "visit", "server", PER_SECOND, 60);
        // a server that forgets to close, 20 times a second
        Load leak = Load.start(program, net.b(), "leak", "visit", "client", 20, 60);
        // five times as many requests as the others' over 50 connections that stay
        Load busy = Load.start(program, net.a(), "client", "reuse", 50, 1700, BUSY_SECONDS);
        PodCgroup knocking = PodCgroup.create();
        Full full = Full.start(net, knocking)) {
      assertThat(Message.class.cast(stream.next())).isNotNull(); // started
      awaitFound(agent, full.pod(), "accept_queue_full");
      double queue = (System.nanoTime() - begun) / 1e9;
      awaitFound(agent, first.clientPod(), "reconnect_churn");
      double churn = (System.nanoTime() - begun) / 1e9;
      awaitFound(agent, last.clientPod(), "reconnect_churn");
      awaitFound(agent, first.clientPod(), "time_wait_leak");
      double timeWait = (System.nanoTime() - begun) / 1e9;
      // those that the client ended: they lie in TIME_WAIT, or on loopback were used again
      long reused = Netns.counters(net.a()).getOrDefault("TcpExtTWRecycled", 0L);
      long shown = Netns.sockets(net.a(), "state", "time-wait");
      awaitFound(agent, last.serverPod(), "time_wait_leak");
      awaitFound(agent, old.serverPod(), "close_wait_leak");
      awaitFound(agent, leak.serverPod(), "close_wait_leak");
      double closeWait = (System.nanoTime() - begun) / 1e9;
      long messages = busy.client().answer();
      Scrape end = agent.fresh();
      proof(
          "findings at %d connections a minute: churn after %.0f s, TIME_WAIT after %.0f s (ss"
              + " shows %,d then, %,d were used again), CLOSE_WAIT after %.0f s, a full queue after %.0f s; a server"
              + " with %,d answers over 50 connections: %s",
          PER_SECOND * 60,
          churn,
          timeWait,
          shown,
          reused,
          closeWait,
          queue,
          messages,
          end.samples(FINDINGS, busy.serverPod().labels()));
      assertThat(shown + reused).isGreaterThanOrEqualTo(9_500);
      assertThat(messages).isEqualTo(1700L * BUSY_SECONDS);
      for (PodCgroup quiet :
          List.of(busy.serverPod(), busy.clientPod(), leak.clientPod(), knocking)) {
        assertThat(end.samples(FINDINGS, quiet.labels())).hasSize(4);
        assertThat(end.sum(FINDINGS, quiet.labels())).as(quiet.pod()).isZero();
      }
      assertThat(end.sum(FINDINGS, last.clientPod().labels("finding", "time_wait_leak")))
          .as("TIME_WAIT is on the server's side")
          .isZero();
      assertThat(end.sum(FINDINGS, first.serverPod().labels())).as("a server").isZero();
      assertEvents(
          stream,
          first.clientPod().pod() + " reconnect_churn",
          last.clientPod().pod() + " reconnect_churn",
          first.clientPod().pod() + " time_wait_leak",
          last.serverPod().pod() + " time_wait_leak",
          old.serverPod().pod() + " close_wait_leak",
          leak.serverPod().pod() + " close_wait_leak",
          full.pod().pod() + " accept_queue_full");
      assertThat(agent.log().lines().filter(l -> l.contains("TCP finding"))).hasSize(7);
    }
  }

  /** One for each finding that holds, and no other. */
  private static void assertEvents(GenericGrpcClient.Stream stream, String... found)
      throws InterruptedException {
    List<Found> events = new ArrayList<>();
    await("the events")
        .atMost(Duration.ofSeconds(10))
        .until(() -> stream.waiting() >= found.length);
    while (stream.waiting() > 0) {
      events.add(Found.of(requireNonNull(stream.next())));
    }
    assertThat(events)
        .extracting(e -> e.pod() + " " + e.finding())
        .containsExactlyInAnyOrder(found);
    assertThat(events)
        .allSatisfy(
            e -> {
              assertThat(e.holds()).isTrue();
              assertThat(e.count()).isBetween(e.threshold(), e.threshold() + 2_000);
            });
  }
}
