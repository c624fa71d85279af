package dev.sonde.agent.truth;

import static dev.sonde.agent.truth.TcpMoved.proof;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.withinPercentage;
import static org.awaitility.Awaitility.await;

import dev.sonde.agent.truth.TcpCrowd.Serve;
import dev.sonde.agent.truth.TcpCrowd.Visit;
import java.time.Duration;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * What holds connections up, against the kernel's own counters of the network namespaces and of the
 * sockets.
 */
class TcpHoldupsIT {
  private static final String WINDOWS = "sonde_tcp_zero_windows_total";
  private static final String LIMITED = "sonde_tcp_limited_seconds_total";
  private static final String OVERFLOWS = "sonde_tcp_listen_overflows_total";
  private static final String DROPS = "sonde_tcp_listen_drops_total";
  private static final String CONNECTIONS = "sonde_tcp_connections";
  private static final int PUSHES = 1000;
  private static final int BYTES = 200_000;

  private static AgentProcess agent;

  @BeforeAll
  static void start() {
    agent = AgentProcess.start("--probes", "all,-sched", "--grpc-listen", "off");
  }

  @AfterAll
  static void stop() {
    agent.close();
  }

  @Test
  void windowsCloseAsOftenAsTheReadersNamespaceSays() {
    try (LossyPair net = LossyPair.create(0);
        PodCgroup serverPod = PodCgroup.create();
        PodCgroup clientPod = PodCgroup.create();
        TcpPeer server = TcpPeer.startIn(net.b(), serverPod);
        TcpPeer client = TcpPeer.startIn(net.a(), clientPod)) {
      int port = (int) server.tell("stall " + net.addressB() + " 300 " + BYTES);
      long elsewhere = Netns.elsewhere("TcpExtTCPToZeroWindowAdv", net.b());
      TcpMoved moved =
          TcpMoved.during(
              agent,
              () -> {
                String push = "push %s %d %d %d".formatted(net.addressB(), port, PUSHES, BYTES);
                assertThat(client.tell(push)).isEqualTo(PUSHES);
              });
      elsewhere = Netns.elsewhere("TcpExtTCPToZeroWindowAdv", net.b()) - elsewhere;
      long truth = Netns.counters(net.b()).getOrDefault("TcpExtTCPToZeroWindowAdv", 0L);
      long sent = moved.of(WINDOWS, serverPod.labels("direction", "sent"));
      long received = moved.of(WINDOWS, clientPod.labels("direction", "received"));
      long all = moved.of(WINDOWS, "direction", "sent");
      proof(
          "%d connections: windows closed %d (%+.2f%%), seen by the other side %d (%+.2f%%),"
              + " against TCPToZeroWindowAdv %d; all workloads %d, elsewhere %d",
          PUSHES,
          sent,
          100.0 * (sent - truth) / truth,
          received,
          100.0 * (received - truth) / truth,
          truth,
          all,
          elsewhere);
      assertThat(truth).isGreaterThan(PUSHES / 2);
      assertThat(sent).as("closed").isEqualTo(truth);
      // acknowledgements that wait while the application holds the socket are merged into one; and
      // once in thousands one is seen that the other side's counter has not
      assertThat(received).as("seen closed").isCloseTo(truth, withinPercentage(2));
      assertThat(all - sent).as("everybody else").isBetween(0L, elsewhere);
      assertThat(moved.of(WINDOWS, serverPod.labels("direction", "received"))).isZero();
      assertThat(moved.of(WINDOWS, clientPod.labels("direction", "sent"))).isZero();
    }
  }

  @Test
  void sendersAreLimitedAsLongAsTheirSocketsSay() {
    try (LossyPair net = LossyPair.create(0);
        PodCgroup serverPod = PodCgroup.create();
        PodCgroup clientPod = PodCgroup.create();
        TcpPeer server = TcpPeer.startIn(net.b(), serverPod);
        TcpPeer client = TcpPeer.startIn(net.a(), clientPod)) {
      Command.run(
          "ip", "netns", "exec", net.a(), "tc", "qdisc", "add", "dev", "eth0", "root", "tbf",
          "rate", "20mbit", "burst", "3000", "limit", "100000");
      int slow = (int) server.tell("stall " + net.addressB() + " 50 " + BYTES);
      int fast = (int) server.tell("stall " + net.addressB() + " 0 " + 2_000_000);
      long[][] shown = new long[2][];
      TcpMoved moved =
          TcpMoved.during(
              agent,
              () -> {
                String to = "pushandhold " + net.addressB() + " ";
                client.tell(to + slow + " " + BYTES + " 0");
                client.tell(to + fast + " 2000000 4608");
                shown[0] = limited(net, slow);
                shown[1] = limited(net, fast);
                client.tell("release");
              });
      double window = (shown[0][0] + shown[1][0]) / 1e3;
      double buffer = (shown[0][1] + shown[1][1]) / 1e3;
      double foundWindow = seconds(moved, clientPod, "receiver_window");
      double foundBuffer = seconds(moved, clientPod, "send_buffer");
      proof(
          "limited by the receiver's window %.3f s against ss %.3f s; by the send buffer %.3f s"
              + " against ss %.3f s",
          foundWindow, window, foundBuffer, buffer);
      assertThat(window).as("ss saw some").isPositive();
      assertThat(buffer).as("ss saw some").isPositive();
      // ss rounds to milliseconds, of each socket
      assertThat(foundWindow).isBetween(window - 0.003, window + 0.003);
      assertThat(foundBuffer).isBetween(buffer - 0.003, buffer + 0.003);
    }
  }

  private static double seconds(TcpMoved moved, PodCgroup pod, String by) {
    return moved.after().sum(LIMITED, pod.labels("by", by))
        - moved.before().sum(LIMITED, pod.labels("by", by));
  }

  /** By the receiver's window and by the send buffer, in milliseconds, of the socket to a port. */
  private static long[] limited(LossyPair net, int port) {
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
    return new long[] {millis(ss, "rwnd_limited"), millis(ss, "sndbuf_limited")};
  }

  private static long millis(String ss, String name) {
    Matcher m = Pattern.compile("\\b" + name + ":(\\d+)ms").matcher(ss);
    return m.find() ? Long.parseLong(m.group(1)) : 0;
  }

  @Test
  void listenersOverflowAsTheirNamespaceSays() {
    try (LossyPair net = LossyPair.create(0);
        PodCgroup serverPod = PodCgroup.create();
        PodCgroup clientPod = PodCgroup.create();
        TcpPeer server = TcpPeer.startIn(net.b(), serverPod);
        TcpPeer client = TcpPeer.startIn(net.a(), clientPod)) {
      int port = (int) server.tell("queue " + net.addressB() + " 10");
      TcpMoved moved =
          TcpMoved.during(
              agent,
              () -> {
                client.tell("flood " + net.addressB() + " " + port + " 500");
                await("a queue that overflows")
                    .atMost(Duration.ofSeconds(20))
                    .until(
                        () ->
                            Netns.counters(net.b()).getOrDefault("TcpExtListenOverflows", 0L)
                                > 500);
                // SYNs that are sent again overflow it again: no more of them
                Netns.dropArriving(net.b(), "tcp dport " + port);
              });
      Map<String, Long> b = Netns.counters(net.b());
      long overflows = b.getOrDefault("TcpExtListenOverflows", 0L);
      long drops = b.getOrDefault("TcpExtListenDrops", 0L);
      Scrape now = moved.after();
      long found = Math.round(now.sum(OVERFLOWS, serverPod.podLabels("")));
      proof(
          "overflows %d against ListenOverflows %d; drops %d against ListenDrops %d",
          found, overflows, moved.of(DROPS, serverPod.labels()), drops);
      assertThat(found).isEqualTo(overflows);
      assertThat(moved.of(DROPS, serverPod.labels())).isEqualTo(drops);
      assertThat(now.sum(OVERFLOWS, clientPod.podLabels(""))).isZero();
      // the listener goes: what it counted stays
      server.tell("release");
      assertThat(
              Math.round(agent.fresh().sum(DROPS, serverPod.labels()))
                  - Math.round(moved.before().sum(DROPS, serverPod.labels())))
          .isEqualTo(drops);
    }
  }

  @Test
  void halfMadeConnectionsAreInTheCensus() {
    try (LossyPair net = LossyPair.create(0);
        PodCgroup serverPod = PodCgroup.create();
        PodCgroup clientPod = PodCgroup.create();
        TcpPeer server = TcpPeer.startIn(net.b(), serverPod);
        TcpPeer client = TcpPeer.startIn(net.a(), clientPod)) {
      int port = (int) server.tell("queue " + net.addressB() + " 200");
      Netns.dropArriving(net.a(), "tcp sport " + port);
      client.tell("flood " + net.addressB() + " " + port + " 100");
      await("half-made connections")
          .atMost(Duration.ofSeconds(10))
          .until(() -> Netns.sockets(net.b(), "state", "syn-recv") == 100);
      TcpMoved moved =
          TcpMoved.quiet(agent, agent.scrape(), () -> Netns.sockets(net.b(), "state", "syn-recv"));
      long found =
          Math.round(moved.after().sum(CONNECTIONS, serverPod.labels("state", "syn_recv")));
      long shown = Netns.sockets(net.b(), "state", "syn-recv");
      proof("syn_recv %d against ss %d", found, shown);
      assertThat(found).isEqualTo(shown).isEqualTo(100);
    }
  }

  @Test
  void timeWaitIsTheNamespaces() {
    try (LossyPair net = LossyPair.create(0);
        PodCgroup serverPod = PodCgroup.create();
        PodCgroup clientPod = PodCgroup.create();
        TcpPeer server = TcpPeer.startIn(net.b(), serverPod);
        TcpPeer client = TcpPeer.startIn(net.a(), clientPod)) {
      int read = (int) server.tell("serve " + net.addressB() + " " + Serve.READ);
      int close = (int) server.tell("serve " + net.addressB() + " " + Serve.CLOSE);
      client.tell("crowd " + net.addressB() + " " + read + " " + Visit.FINISH + " 400");
      client.tell("crowd " + net.addressB() + " " + close + " " + Visit.SERVED + " 150");
      TcpMoved moved =
          TcpMoved.quiet(
              agent,
              agent.scrape(),
              () ->
                  1000 * Netns.sockets(net.a(), "state", "time-wait")
                      + Netns.sockets(net.b(), "state", "time-wait"));
      long a = Math.round(moved.after().sum(CONNECTIONS, clientPod.podLabels("time_wait")));
      long b = Math.round(moved.after().sum(CONNECTIONS, serverPod.podLabels("time_wait")));
      proof(
          "TIME_WAIT: who closed 400 has %d, who closed 150 has %d; ss %d, %d",
          a,
          b,
          Netns.sockets(net.a(), "state", "time-wait"),
          Netns.sockets(net.b(), "state", "time-wait"));
      assertThat(a).isEqualTo(Netns.sockets(net.a(), "state", "time-wait")).isEqualTo(400);
      assertThat(b).isEqualTo(Netns.sockets(net.b(), "state", "time-wait")).isEqualTo(150);
    }
  }

  /** Two pods in the host's namespace: each has the sockets that it closed. */
  @Test
  void timeWaitOfTheHostIsSharedOutByWhoClosed() {
    try (PodCgroup many = PodCgroup.create();
        PodCgroup few = PodCgroup.create();
        PodCgroup serving = PodCgroup.create();
        TcpPeer server = TcpPeer.start(serving);
        TcpPeer first = TcpPeer.start(many);
        TcpPeer second = TcpPeer.start(few)) {
      int port = (int) server.tell("serve 127.0.0.1 " + Serve.READ);
      first.tell("crowd 127.0.0.1 " + port + " " + Visit.FINISH + " 300");
      second.tell("crowd 127.0.0.1 " + port + " " + Visit.FINISH + " 100");
      await("both to be in the census")
          .atMost(Duration.ofSeconds(20))
          .untilAsserted(
              () -> {
                long before = hostTimeWait();
                Scrape now = agent.fresh();
                long after = hostTimeWait();
                long all = Math.round(now.sum(CONNECTIONS, "state", "time_wait"));
                long a = Math.round(now.sum(CONNECTIONS, many.labels("state", "time_wait")));
                long b = Math.round(now.sum(CONNECTIONS, few.labels("state", "time_wait")));
                proof(
                    "host: TIME_WAIT of who closed 300: %d, of who closed 100: %d; all %d, sockstat"
                        + " %d to %d",
                    a, b, all, before, after);
                assertThat(a).isEqualTo(300);
                assertThat(b).isEqualTo(100);
                assertThat(all).isBetween(Math.min(before, after), Math.max(before, after));
              });
    }
  }

  private static long hostTimeWait() {
    String sockstat = Command.run("cat", "/proc/self/net/sockstat");
    Matcher m = Pattern.compile("TCP: .* tw (\\d+)").matcher(sockstat);
    assertThat(m.find()).isTrue();
    return Long.parseLong(m.group(1));
  }
}
