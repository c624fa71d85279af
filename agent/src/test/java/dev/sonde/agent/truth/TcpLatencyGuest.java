package dev.sonde.agent.truth;

import static dev.sonde.agent.truth.TcpMoved.proof;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.withinPercentage;

import dev.sonde.agent.guest.Guest;
import dev.sonde.exporter.grpc.GenericGrpcClient;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Round trips, connects, acknowledgements and waits against delays that netem and sleeps make. */
@Guest(
    tier = 3,
    kernels = {"6.1", "6.12", "6.18"})
class TcpLatencyGuest {
  private static final int DELAY_MILLIS = 100;
  private static final int MESSAGES = 20;

  private static AgentProcess agent;

  @BeforeAll
  static void start() {
    agent = AgentProcess.start("--probes", "all,-sched");
  }

  @AfterAll
  static void stop() {
    agent.close();
  }

  private static void delay(LossyPair net, String verb, int millis) {
    Command.run(
        "ip",
        "netns",
        "exec",
        net.b(),
        "tc",
        "qdisc",
        verb,
        "dev",
        "eth0",
        "root",
        "netem",
        "delay",
        millis + "ms");
  }

  /** Else the acknowledgement waits for the answer, which an emulated CPU takes ten ms for. */
  private static void acknowledgeAtOnce(LossyPair net) {
    String network = net.addressB().substring(0, net.addressB().lastIndexOf('.')) + ".0/24";
    Command.run(
        "ip",
        "-n",
        net.b(),
        "route",
        "replace",
        network,
        "dev",
        "eth0",
        "proto",
        "kernel",
        "scope",
        "link",
        "src",
        net.addressB(),
        "quickack",
        "1");
  }

  @Test
  void connectsAndAcknowledgementsTakeTheDelay() {
    try (LossyPair net = LossyPair.create(0);
        PodCgroup serverPod = PodCgroup.create();
        PodCgroup clientPod = PodCgroup.create();
        TcpPeer server = TcpPeer.startIn(net.b(), serverPod);
        TcpPeer client = TcpPeer.startIn(net.a(), clientPod)) {
      delay(net, "add", DELAY_MILLIS);
      acknowledgeAtOnce(net);
      // the first packet of all waits for ARP, which netem delays too
      client.connect(net.addressB(), server.listen(net.addressB()));
      TcpMoved moved =
          TcpMoved.during(
              agent,
              () -> {
                client.connect(net.addressB(), server.listen(net.addressB()));
                server.tell("accept");
                server.begin("echo 4096");
                client.tell("ask " + MESSAGES + " 500");
                client.tell("shutdown");
                server.answer();
              });
      TcpTimes times = new TcpTimes(moved, clientPod);
      double delay = DELAY_MILLIS / 1e3;
      proof(
          "%s, %d ms: connect %.6f s of %d, send to ACK %.6f s of %d, RTT %.6f s of %d samples",
          Expected.GUEST,
          DELAY_MILLIS,
          times.mean(TcpTimes.CONNECT),
          times.count(TcpTimes.CONNECT),
          times.mean(TcpTimes.SEND_ACK),
          times.count(TcpTimes.SEND_ACK),
          times.mean(TcpTimes.RTT),
          times.count(TcpTimes.RTT));
      assertThat(times.count(TcpTimes.CONNECT)).isEqualTo(1);
      assertThat(times.count(TcpTimes.SEND_ACK)).isEqualTo(MESSAGES);
      assertThat(times.count(TcpTimes.RTT)).isPositive();
      // an emulated CPU on a busy host takes its time beside the delay, as the round trips show
      assertThat(times.mean(TcpTimes.CONNECT)).isBetween(delay, delay * 1.5);
      assertThat(times.mean(TcpTimes.SEND_ACK)).isBetween(delay, delay * 1.5);
      assertThat(times.mean(TcpTimes.RTT)).isBetween(delay, delay * 1.5);
    }
  }

  /** A connection whose way gets longer: ss after each message, and the histogram of all. */
  @Test
  void roundTripsAreWhatSsSamples() {
    try (GenericGrpcClient grpc = GenericGrpcClient.connect("127.0.0.1", agent.grpcPort());
        LossyPair net = LossyPair.create(0);
        PodCgroup serverPod = PodCgroup.create();
        PodCgroup clientPod = PodCgroup.create();
        TcpPeer server = TcpPeer.startIn(net.b(), serverPod);
        TcpPeer client = TcpPeer.startIn(net.a(), clientPod)) {
      delay(net, "add", 50);
      int port = server.listen(net.addressB());
      client.connect(net.addressB(), port);
      server.tell("accept");
      server.begin("echo 4096");
      client.tell("ask 10 500");
      agent.fresh();
      NativeBuckets before = NativeBuckets.of(grpc, TcpTimes.RTT, clientPod);
      List<Double> sampled = new ArrayList<>();
      for (int i = 0; i < 60; i++) {
        if (i == 40) {
          delay(net, "change", 120);
        }
        sampled.add(rtt(net, port)); // what the next segment finds
        client.tell("ask 1 500");
      }
      agent.fresh();
      NativeBuckets found = NativeBuckets.of(grpc, TcpTimes.RTT, clientPod).minus(before);
      Collections.sort(sampled);
      double median = sampled.get(sampled.size() / 2 - 1);
      double p99 = sampled.get((int) Math.ceil(sampled.size() * 0.99) - 1);
      proof(
          "%s, RTT of %d samples: median %.6f s against ss %.6f s (%+.1f%%), p99 %.6f s against ss"
              + " %.6f s (%+.1f%%)",
          Expected.GUEST,
          found.count(),
          found.quantile(0.5),
          median,
          100 * (found.quantile(0.5) / median - 1),
          found.quantile(0.99),
          p99,
          100 * (found.quantile(0.99) / p99 - 1));
      assertThat(found.quantile(0.5)).isCloseTo(median, withinPercentage(10));
      assertThat(found.quantile(0.99)).isCloseTo(p99, withinPercentage(10));
      client.tell("shutdown");
      server.answer();
    }
  }

  private static double rtt(LossyPair net, int port) {
    String ss =
        Command.run(
            "ip",
            "netns",
            "exec",
            net.a(),
            "ss",
            "-Htin",
            "state",
            "established",
            "dport",
            "= :" + port);
    Matcher m = Pattern.compile("\\brtt:([0-9.]+)/").matcher(ss);
    assertThat(m.find()).as(ss).isTrue();
    return Double.parseDouble(m.group(1)) / 1e3;
  }

  @Test
  void acceptWaitIsWhatAServerSleeps() {
    try (PodCgroup pod = PodCgroup.create();
        TcpPeer peer = TcpPeer.start(pod)) {
      TcpAcceptIT.check(agent, pod, peer, 5, 1000);
    }
  }

  @Test
  void receiveWaitIsWhatAReaderSleeps() {
    try (LossyPair net = LossyPair.create(0);
        PodCgroup serverPod = PodCgroup.create();
        PodCgroup clientPod = PodCgroup.create();
        TcpPeer server = TcpPeer.startIn(net.b(), serverPod);
        TcpPeer client = TcpPeer.startIn(net.a(), clientPod)) {
      TcpLatencyIT.receiveWait(agent, net, server, serverPod, client, clientPod, 5, 1000);
    }
  }
}
