package dev.sonde.agent.truth;

import static dev.sonde.agent.truth.TcpMoved.RECEIVED;
import static dev.sonde.agent.truth.TcpMoved.RETRANSMITS;
import static dev.sonde.agent.truth.TcpMoved.SENT;
import static dev.sonde.agent.truth.TcpMoved.proof;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A socket belongs to who connected it or uses the accepted one, whoever runs when TCP works. */
class TcpOwnerIT {
  private static AgentProcess start(String... mechanism) {
    String[] all = new String[mechanism.length + 4];
    System.arraycopy(new String[] {"--probes", "all,-sched", "--grpc-listen", "off"}, 0, all, 0, 4);
    System.arraycopy(mechanism, 0, all, 4, mechanism.length);
    return AgentProcess.start(all);
  }

  /** Waits until so many segments more went out again, and until that has stopped moving. */
  private static void awaitRetransmits(String namespace, long atLeast) {
    await("retransmits")
        .atMost(Duration.ofSeconds(20))
        .until(() -> Netns.retransmitted(namespace) >= atLeast);
  }

  /** Sockets that the agent sees from their first state on. */
  @Nested
  @TestInstance(Lifecycle.PER_CLASS)
  class WhileItRuns {
    private AgentProcess agent;

    @BeforeAll
    void startAgent() {
      agent = start();
    }

    @AfterAll
    void stopAgent() {
      agent.close();
    }

    /** As a server that forks its workers into containers of their own. */
    @Test
    void chargesTheAcceptorAndNotWhoMadeTheListener() {
      try (LossyPair net = LossyPair.create(0);
          PodCgroup creator = PodCgroup.create();
          PodCgroup acceptor = PodCgroup.create();
          PodCgroup clientPod = PodCgroup.create();
          TcpPeer server = TcpPeer.startIn(net.a(), creator);
          TcpPeer client = TcpPeer.startIn(net.b(), clientPod)) {
        int port = server.listen(net.addressA());
        Scrape before = agent.fresh();
        acceptor.move(server.pid());
        client.connect(net.addressA(), port);
        server.tell("accept");
        // it writes before it ever reads, and nothing of that arrives for a while
        Netns.dropArriving(net.b(), "meta l4proto tcp");
        server.tell("send 50000 5000");
        awaitRetransmits(net.a(), 2);
        Netns.dropNothing(net.b());
        client.tell("receive 50000 4096");
        client.tell("send 777 777");
        server.tell("receive 777 100");
        TcpMoved moved = TcpMoved.quiet(agent, before, () -> Netns.retransmitted(net.a()));
        long truth = Netns.retransmitted(net.a());
        proof(
            "accepted elsewhere: acceptor sent %,d of 50,000, received %,d of 777, resent %d of %d;"
                + " listener's creator %d, %d, %d",
            moved.sent(acceptor),
            moved.received(acceptor),
            moved.retransmits(acceptor),
            truth,
            moved.sent(creator),
            moved.received(creator),
            moved.retransmits(creator));
        assertThat(moved.sent(acceptor)).isEqualTo(50_000);
        assertThat(moved.received(acceptor)).isEqualTo(777);
        assertThat(moved.retransmits(acceptor)).isEqualTo(truth);
        assertThat(moved.sent(creator) + moved.received(creator) + moved.retransmits(creator))
            .isZero();
        assertThat(moved.received(clientPod)).isEqualTo(50_000);
        assertThat(moved.retransmits(clientPod)).isEqualTo(Netns.retransmitted(net.b()));
        assertNobody(moved);
      }
    }

    /** A subshell in another container inherits the connection and writes to it. */
    @Test
    void keepsTheOwnerOfASocketThatIsPassedOn() {
      try (PodCgroup serverPod = PodCgroup.create();
          PodCgroup owner = PodCgroup.create();
          PodCgroup heir = PodCgroup.create();
          TcpPeer server = TcpPeer.start(serverPod)) {
        int port = server.listen("127.0.0.1");
        TcpMoved moved =
            TcpMoved.during(
                agent,
                () -> {
                  Process shell =
                      owner.start(
                          "bash",
                          "-c",
                          "exec 3<>/dev/tcp/127.0.0.1/%d; (%s head -c 54321 /dev/zero >&3)"
                              .formatted(port, heir.join()));
                  server.tell("accept");
                  assertThat(server.tell("drain 4096")).isEqualTo(54_321);
                  await("the shell").until(() -> !shell.isAlive());
                });
        proof(
            "passed on: who connected sent %,d of 54,321, who inherited %,d",
            moved.sent(owner), moved.sent(heir));
        assertThat(moved.sent(owner)).isEqualTo(54_321);
        assertThat(moved.sent(heir)).isZero();
        assertThat(moved.received(serverPod)).isEqualTo(54_321);
        assertNobody(moved);
      }
    }

    /** The child exists, and TCP works for it, before anybody has accepted it. */
    @Test
    void chargesTheListenerUntilSomebodyAccepts() {
      try (LossyPair net = LossyPair.create(0);
          PodCgroup creator = PodCgroup.create();
          PodCgroup clientPod = PodCgroup.create();
          TcpPeer server = TcpPeer.startIn(net.a(), creator);
          TcpPeer client = TcpPeer.startIn(net.b(), clientPod)) {
        TcpMoved moved =
            TcpMoved.during(
                agent,
                () -> {
                  client.connect(net.addressA(), server.listen(net.addressA()));
                  client.tell("send 30000 30000");
                  server.tell("accept");
                  server.tell("receive 30000 10000");
                });
        proof("accepted late: received %,d of 30,000", moved.received(creator));
        assertThat(moved.received(creator)).isEqualTo(30_000);
        assertThat(moved.sent(clientPod)).isEqualTo(30_000);
        assertNobody(moved);
      }
    }
  }

  /** What must not own anything: kernel threads (softirqs in ksoftirqd, too), and nobody. */
  private static void assertNobody(TcpMoved moved) {
    for (String unit : List.of("kernel", "~unknown", "~other")) {
      for (String name : List.of(SENT, RECEIVED, RETRANSMITS)) {
        assertThat(moved.of(name, "unit", unit)).as(name + " of " + unit).isZero();
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"tcp_owner=tp_btf", "tcp_owner=tp_btf_hash"})
  void findsTheOwnersOfSocketsOlderThanTheAgent(String mechanism) {
    try (LossyPair net = LossyPair.create(0);
        PodCgroup serverPod = PodCgroup.create();
        PodCgroup clientPod = PodCgroup.create();
        TcpPeer server = TcpPeer.startIn(net.b(), serverPod);
        TcpPeer client = TcpPeer.startIn(net.a(), clientPod)) {
      client.connect(net.addressB(), server.listen(net.addressB()));
      server.tell("accept");
      // 60,000 of these wait in the receive queue when the agent comes
      client.tell("send 100000 10000");
      server.tell("receive 40000 1000");
      // and these are on their way, again and again
      Netns.dropArriving(net.b(), "meta l4proto tcp");
      client.tell("send 5000 5000");
      awaitRetransmits(net.a(), 1);
      try (AgentProcess agent = start("--mechanism", mechanism)) {
        long earliest = Netns.retransmitted(net.a());
        Scrape first = agent.fresh();
        long latest = Netns.retransmitted(net.a());
        // no I/O by anybody: only the timer
        awaitRetransmits(net.a(), latest + 1);
        Netns.dropNothing(net.b());
        assertThat(server.tell("receive 65000 1000")).isEqualTo(65_000);
        TcpMoved old = TcpMoved.quiet(agent, first, () -> Netns.retransmitted(net.a()));
        long end = Netns.retransmitted(net.a());
        client.tell("send 1111 1111");
        server.tell("receive 1111 100");
        server.tell("send 2222 100");
        client.tell("receive 2222 100");
        TcpMoved moved = new TcpMoved(first, agent.fresh());
        proof(
            "older than the agent, %s: client sent %,d of 1,111, received %,d of 2,222, resent %d"
                + " of %d to %d; server sent %,d of 2,222, received %,d of 66,111",
            mechanism,
            moved.sent(clientPod),
            moved.received(clientPod),
            old.retransmits(clientPod),
            end - latest,
            end - earliest,
            moved.sent(serverPod),
            moved.received(serverPod));
        assertThat(moved.sent(clientPod)).isEqualTo(1_111);
        assertThat(moved.received(clientPod)).isEqualTo(2_222);
        assertThat(moved.sent(serverPod)).isEqualTo(2_222);
        assertThat(moved.received(serverPod)).isEqualTo(66_111);
        assertThat(old.retransmits(clientPod)).isBetween(end - latest, end - earliest);
        assertNobody(moved);
      }
    }
  }

  /** No pass over descriptors can find what nobody has accepted: its first I/O tells the owner. */
  @ParameterizedTest
  @ValueSource(strings = {"tcp_owner=tp_btf", "tcp_owner=tp_btf_hash"})
  void meetsWhatWaitedInAnAcceptQueueAtItsFirstIo(String mechanism) {
    try (PodCgroup serverPod = PodCgroup.create();
        PodCgroup clientPod = PodCgroup.create();
        TcpPeer server = TcpPeer.start(serverPod);
        TcpPeer client = TcpPeer.start(clientPod)) {
      client.connect("127.0.0.1", server.listen("127.0.0.1"));
      try (AgentProcess agent = start("--mechanism", mechanism)) {
        TcpMoved moved =
            TcpMoved.during(
                agent,
                () -> {
                  server.tell("accept");
                  server.tell("send 3333 3333");
                  client.tell("receive 3333 1000");
                  client.tell("send 4444 4444");
                  server.tell("receive 4444 1000");
                });
        proof(
            "accepted after the start, %s: server sent %,d of 3,333, received %,d of 4,444",
            mechanism, moved.sent(serverPod), moved.received(serverPod));
        assertThat(moved.sent(serverPod)).isEqualTo(3_333);
        assertThat(moved.received(serverPod)).isEqualTo(4_444);
        assertThat(moved.sent(clientPod)).isEqualTo(4_444);
        assertNobody(moved);
      }
    }
  }
}
