package dev.sonde.agent.truth;

import static dev.sonde.agent.truth.TcpMoved.RETRANSMITS;
import static dev.sonde.agent.truth.TcpMoved.proof;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assertions.withinPercentage;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Retransmits against the sender's network namespace: its own counters say how many segments went
 * out again and why.
 */
class TcpRetransmitsIT {
  private static AgentProcess agent;

  @BeforeAll
  static void start() {
    agent = AgentProcess.start("--probes", "all,-sched", "--grpc-listen", "off");
  }

  @AfterAll
  static void stop() {
    agent.close();
  }

  /** The step of a namespace's counter, which is nothing if it is not counted here at all. */
  private static long step(Map<String, Long> before, Map<String, Long> after, String name) {
    return after.getOrDefault(name, 0L) - before.getOrDefault(name, 0L);
  }

  /**
   * @param segments of one packet on its way through the sender's host: with more than one a loss
   *     is of all of them, and so is a retransmit
   */
  @ParameterizedTest
  @CsvSource({"1,reno,1", "5,reno,1", "5,reno,44", "3,bbr,44"})
  void chargesTheSenderWithWhatItsNamespaceResent(int loss, String congestion, int segments) {
    try (LossyPair net = LossyPair.create(loss);
        PodCgroup sender = PodCgroup.create();
        PodCgroup receiver = PodCgroup.create();
        TcpPeer server = TcpPeer.startIn(net.b(), receiver)) {
      // the algorithm of a namespace's new sockets
      Command.run(
          "ip",
          "netns",
          "exec",
          net.a(),
          "sysctl",
          "-w",
          "net.ipv4.tcp_congestion_control=" + congestion);
      Command.run(
          "ip", "-n", net.a(), "link", "set", "eth0", "gso_max_segs", Integer.toString(segments));
      try (TcpPeer client = TcpPeer.startIn(net.a(), sender)) {
        client.connect(net.addressB(), server.listen(net.addressB()));
        server.tell("accept");
        Map<String, Long> before = Netns.counters(net.a());
        long elsewhere = Netns.retransmittedBut(net.a());
        TcpMoved moved =
            TcpMoved.during(
                agent,
                () -> {
                  server.begin("drain 65536");
                  client.tell("send 20000000 65536");
                  server.begin("close");
                  client.tell("shutdown");
                  assertThat(server.answer()).isEqualTo(20_000_000);
                  server.answer();
                });
        Map<String, Long> after = Netns.counters(net.a());
        elsewhere = Netns.retransmittedBut(net.a()) - elsewhere;

        long truth = step(before, after, Netns.RETRANSMITTED);
        long all = moved.of(RETRANSMITS);
        proof(
            "%d%% loss, %s, %d segments a packet: %,d retransmits of the sender against TcpRetransSegs %,d (%+.3f%%);"
                + " all others %,d against %,d in every other namespace",
            loss,
            congestion,
            segments,
            moved.retransmits(sender),
            truth,
            100.0 * (moved.retransmits(sender) - truth) / truth,
            all - moved.retransmits(sender),
            elsewhere);
        proof(
            "%d%% loss, %s: timeout %,d against TCPSlowStartRetrans %,d + TCPTimeouts %,d; fast %,d"
                + " against TCPFastRetrans %,d; tail_loss_probe %,d of TCPLossProbes %,d",
            loss,
            congestion,
            moved.retransmits(sender, "timeout"),
            step(before, after, "TcpExtTCPSlowStartRetrans"),
            step(before, after, "TcpExtTCPTimeouts"),
            moved.retransmits(sender, "fast"),
            step(before, after, "TcpExtTCPFastRetrans"),
            moved.retransmits(sender, "tail_loss_probe"),
            step(before, after, "TcpExtTCPLossProbes"));
        assertThat(truth).as("segments that loss made TCP resend").isGreaterThan(10);
        assertThat((double) moved.retransmits(sender)).isCloseTo(truth, withinPercentage(2));
        assertThat(all - moved.retransmits(sender)).isBetween(0L, elsewhere);
        assertThat(moved.of(RETRANSMITS, "unit", "kernel")).as("kernel threads").isZero();
        assertThat(moved.of(RETRANSMITS, "unit", "~unknown")).as("nobody").isZero();
        assertTypes(moved, sender, before, after, truth);
      }
    }
  }

  private static void assertTypes(
      TcpMoved moved,
      PodCgroup sender,
      Map<String, Long> before,
      Map<String, Long> after,
      long truth) {
    long timeout =
        step(before, after, "TcpExtTCPSlowStartRetrans") + step(before, after, "TcpExtTCPTimeouts");
    long fast = step(before, after, "TcpExtTCPFastRetrans");
    long slack = Math.max(1, truth / 50);
    assertThat(moved.retransmits(sender, "timeout")).isCloseTo(timeout, within(slack));
    assertThat(moved.retransmits(sender, "fast")).isCloseTo(fast, within(slack));
    assertThat(moved.retransmits(sender, "tail_loss_probe"))
        .isCloseTo(truth - timeout - fast, within(slack));
    assertThat(moved.retransmits(sender, "syn"))
        .isEqualTo(step(before, after, "TcpExtTCPSynRetrans"));
  }

  /** The last segment of a burst is lost: no later one tells of it, so that a probe resends it. */
  @Test
  void tellsTailLossProbes() {
    try (LossyPair net = LossyPair.create(5);
        PodCgroup sender = PodCgroup.create();
        PodCgroup receiver = PodCgroup.create();
        TcpPeer server = TcpPeer.startIn(net.b(), receiver);
        TcpPeer client = TcpPeer.startIn(net.a(), sender)) {
      client.connect(net.addressB(), server.listen(net.addressB()));
      server.tell("accept");
      Map<String, Long> before = Netns.counters(net.a());
      TcpMoved moved =
          TcpMoved.during(
              agent,
              () -> {
                server.begin("echo 4096");
                client.tell("ask 600 100");
                client.tell("shutdown");
                server.answer();
              });
      Map<String, Long> after = Netns.counters(net.a());
      long truth = step(before, after, Netns.RETRANSMITTED);
      proof(
          "600 single segments at 5%%: %d retransmits against %d; tail_loss_probe %d, timeout %d,"
              + " fast %d (TCPLossProbes %d, TCPTimeouts %d)",
          moved.retransmits(sender),
          truth,
          moved.retransmits(sender, "tail_loss_probe"),
          moved.retransmits(sender, "timeout"),
          moved.retransmits(sender, "fast"),
          step(before, after, "TcpExtTCPLossProbes"),
          step(before, after, "TcpExtTCPTimeouts"));
      assertThat(moved.retransmits(sender)).isEqualTo(truth);
      assertThat(moved.retransmits(sender, "tail_loss_probe")).isPositive();
      assertTypes(moved, sender, before, after, truth);
    }
  }

  /** The client never hears the answer: it repeats its SYN, and the server its SYN-ACK. */
  @Test
  void chargesSynToTheClientAndSynAckToTheListener() {
    try (LossyPair net = LossyPair.create(0);
        PodCgroup clientPod = PodCgroup.create();
        PodCgroup serverPod = PodCgroup.create();
        TcpPeer server = TcpPeer.startIn(net.b(), serverPod);
        TcpPeer client = TcpPeer.startIn(net.a(), clientPod)) {
      Netns.dropArriving(net.a(), "tcp flags & (syn|ack) == syn|ack");
      int port = server.listen(net.addressB());
      Scrape before = agent.fresh();
      client.begin("connect " + net.addressB() + " " + port);
      await("two of each")
          .atMost(Duration.ofSeconds(15))
          .until(() -> Netns.retransmitted(net.a()) >= 2 && Netns.retransmitted(net.b()) >= 2);
      Netns.dropNothing(net.a());
      client.answer();
      TcpMoved moved =
          TcpMoved.quiet(
              agent, before, () -> Netns.retransmitted(net.a()) + Netns.retransmitted(net.b()));
      long syn = Netns.counters(net.a()).getOrDefault("TcpExtTCPSynRetrans", 0L);
      long synAck = Netns.counters(net.b()).getOrDefault("TcpExtTCPSynRetrans", 0L);
      proof(
          "SYN %d against %d of the client's namespace, SYN-ACK %d against %d of the server's",
          moved.retransmits(clientPod, "syn"), syn, moved.retransmits(serverPod, "synack"), synAck);
      assertThat(moved.retransmits(clientPod, "syn")).isEqualTo(syn);
      assertThat(moved.retransmits(serverPod, "synack")).isEqualTo(synAck);
      assertThat(moved.retransmits(clientPod)).isEqualTo(syn);
      assertThat(moved.retransmits(serverPod)).isEqualTo(synAck);
    }
  }

  /** Nobody answers: every SYN but the first is a retransmit. */
  @Test
  void countsSynsThatNobodyAnswers() {
    try (LossyPair net = LossyPair.create(0);
        PodCgroup clientPod = PodCgroup.create();
        TcpPeer client = TcpPeer.startIn(net.a(), clientPod)) {
      Netns.dropArriving(net.b(), "tcp flags syn");
      Scrape before = agent.fresh();
      client.begin("connect " + net.addressB() + " 9");
      await("three").atMost(Duration.ofSeconds(15)).until(() -> Netns.retransmitted(net.a()) >= 3);
      TcpMoved moved = TcpMoved.quiet(agent, before, () -> Netns.retransmitted(net.a()));
      long truth = Netns.retransmitted(net.a());
      proof("unanswered SYNs: %d against %d", moved.retransmits(clientPod, "syn"), truth);
      assertThat(moved.retransmits(clientPod, "syn")).isEqualTo(truth);
      assertThat(moved.retransmits(clientPod)).isEqualTo(truth);
      assertThat(Netns.counters(net.a()).getOrDefault("TcpExtTCPSynRetrans", 0L)).isEqualTo(truth);
    }
  }
}
