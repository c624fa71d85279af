package dev.sonde.agent.truth;

import static dev.sonde.agent.truth.TcpMoved.proof;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sonde.agent.truth.TcpCrowd.Serve;
import dev.sonde.agent.truth.TcpCrowd.Visit;
import java.time.Duration;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Connections that end in every way, against the client's own count, the counters of both network
 * namespaces and what nft saw of resets.
 */
class TcpConnectionsIT {
  private static final String OPENS = "sonde_tcp_opens_total";
  private static final String CLOSES = "sonde_tcp_closes_total";
  private static final String FAILURES = "sonde_tcp_connect_failures_total";
  private static final String WINDOWS = "sonde_tcp_zero_windows_total";
  private static final String DROPS = "sonde_tcp_listen_drops_total";
  private static final String OVERFLOWS = "sonde_tcp_listen_overflows_total";
  private static final String RESETS = "sonde_tcp_resets_total";

  private static AgentProcess agent;

  @BeforeAll
  static void start() {
    agent = AgentProcess.start("--probes", "all,-sched", "--grpc-listen", "off");
  }

  @AfterAll
  static void stop() {
    agent.close();
  }

  /** How many of 10,000. */
  private static Map<Visit, Long> shares() {
    Map<Visit, Long> n = new EnumMap<>(Visit.class);
    n.put(Visit.FINISH, 4000L);
    n.put(Visit.SERVED, 2000L);
    n.put(Visit.HALF_CLOSE, 1000L);
    n.put(Visit.CUT, 1000L);
    n.put(Visit.CUTTER, 500L);
    n.put(Visit.REFUSED, 500L);
    n.put(Visit.TIMEOUT, 200L);
    n.put(Visit.UNREACHABLE, 200L);
    n.put(Visit.ABORTED, 300L);
    n.put(Visit.LOCAL, 100L);
    n.put(Visit.STUCK, 200L);
    return n;
  }

  @ParameterizedTest
  @CsvSource({"MAPPED,10000", "IPV4,1000", "IPV6,1000"})
  void countsEveryConnectionOnceAndForTheRightReason(String family, int connections) {
    try (LossyPair net = LossyPair.create(0);
        PodCgroup clientPod = PodCgroup.create();
        PodCgroup serverPod = PodCgroup.create()) {
      String host = family.equals("IPV6") ? addIpv6(net) : net.addressB();
      prepare(net);
      boolean v4 = family.equals("IPV4");
      try (TcpPeer server =
              v4 ? TcpPeer.startIpv4In(net.b(), serverPod) : TcpPeer.startIn(net.b(), serverPod);
          TcpPeer client =
              v4 ? TcpPeer.startIpv4In(net.a(), clientPod) : TcpPeer.startIn(net.a(), clientPod)) {
        Map<Serve, Integer> ports = new EnumMap<>(Serve.class);
        for (Serve how : Serve.values()) {
          ports.put(how, (int) server.tell("serve " + host + " " + how));
        }
        int stuckPort = (int) server.tell("serve " + host + " " + Serve.READ);
        Map<Visit, Long> wanted = new EnumMap<>(Visit.class);
        shares().forEach((visit, n) -> wanted.put(visit, n * connections / 10_000));
        Map<String, Long> a = Netns.counters(net.a());
        Map<String, Long> b = Netns.counters(net.b());
        long elsewhere = opensBut(net);
        long resetElsewhere = Netns.elsewhere("TcpOutRsts", net.a(), net.b());
        TcpMoved moved =
            TcpMoved.during(agent, () -> run(client, net, host, ports, stuckPort, wanted));
        elsewhere = opensBut(net) - elsewhere;
        resetElsewhere = Netns.elsewhere("TcpOutRsts", net.a(), net.b()) - resetElsewhere;
        check(moved, family, net, clientPod, serverPod, wanted, a, b, resetElsewhere);
        long others = moved.of(OPENS) + moved.of(FAILURES) - moved.of(FAILURES, "reason", "local");
        others -= moved.of(OPENS, clientPod.labels()) + moved.of(OPENS, serverPod.labels());
        others -= moved.of(FAILURES, clientPod.labels());
        others += moved.of(FAILURES, clientPod.labels("reason", "local"));
        proof("%s: everybody else %d of %d elsewhere", family, others, elsewhere);
        assertThat(others).isBetween(0L, elsewhere);
      }
    }
  }

  private static void run(
      TcpPeer client,
      LossyPair net,
      String host,
      Map<Serve, Integer> ports,
      int stuckPort,
      Map<Visit, Long> wanted) {
    wanted.forEach(
        (visit, n) -> {
          if (visit == Visit.STUCK) {
            visit(client, host, stuckPort, Visit.HOLD, n);
            Netns.dropArriving(net.b(), "tcp dport " + stuckPort);
          }
          int port =
              switch (visit) {
                case FINISH, CUTTER, LOCAL -> requireNonNull(ports.get(Serve.READ));
                case SERVED -> requireNonNull(ports.get(Serve.CLOSE));
                case HALF_CLOSE -> requireNonNull(ports.get(Serve.REPLY));
                case CUT -> requireNonNull(ports.get(Serve.RESET));
                case REFUSED -> 7;
                case TIMEOUT, ABORTED -> 9;
                case UNREACHABLE -> 11;
                case HOLD, STUCK, LEAVE -> stuckPort;
              };
          visit(client, host, port, visit, n);
        });
    await("every connection of the client to have ended")
        .atMost(Duration.ofSeconds(30))
        .until(() -> Netns.sockets(net.a(), "exclude", "time-wait") == 0);
    // what the server still has open are the connections that got stuck
    await("every connection of the server but those to have ended")
        .atMost(Duration.ofSeconds(30))
        .until(
            () ->
                Netns.sockets(net.b(), "exclude", "time-wait") <= of(wanted, Visit.STUCK)
                    && Netns.sockets(net.b(), "state", "last-ack") == 0);
  }

  private static void visit(TcpPeer client, String host, int port, Visit visit, long n) {
    assertThat(client.tell("crowd " + host + " " + port + " " + visit + " " + n))
        .as("%s, as the client's system calls said", visit)
        .isEqualTo(n);
  }

  private static void check(
      TcpMoved moved,
      String family,
      LossyPair net,
      PodCgroup clientPod,
      PodCgroup serverPod,
      Map<Visit, Long> n,
      Map<String, Long> a,
      Map<String, Long> b,
      long resetElsewhere) {
    long open =
        of(n, Visit.FINISH)
            + of(n, Visit.SERVED)
            + of(n, Visit.HALF_CLOSE)
            + of(n, Visit.CUT)
            + of(n, Visit.CUTTER)
            + of(n, Visit.STUCK)
            + (of(n, Visit.LOCAL) > 0 ? 1 : 0);
    long failed = 0;
    for (Visit v : List.of(Visit.REFUSED, Visit.TIMEOUT, Visit.UNREACHABLE, Visit.ABORTED)) {
      failed += of(n, v);
    }
    Map<String, Long> endA = Netns.counters(net.a());
    Map<String, Long> endB = Netns.counters(net.b());
    long sent =
        moved.of(RESETS, clientPod.labels("direction", "sent"))
            + moved.of(RESETS, serverPod.labels("direction", "sent"));
    long nobody = moved.of(RESETS, "unit", "~unknown", "direction", "sent");
    long received =
        moved.of(RESETS, clientPod.labels("direction", "received"))
            + moved.of(RESETS, serverPod.labels("direction", "received"));
    long outRsts = step(a, endA, "TcpOutRsts") + step(b, endB, "TcpOutRsts");
    long seen = Netns.counted(net.a()) + Netns.counted(net.b());
    proof(
        "%s: opens client %d, server %d of %d (ActiveOpens %d, PassiveOpens %d); failures %d of %d"
            + " (AttemptFails %d)",
        family,
        moved.of(OPENS, clientPod.labels("role", "client")),
        moved.of(OPENS, serverPod.labels("role", "server")),
        open,
        step(a, endA, "TcpActiveOpens"),
        step(b, endB, "TcpPassiveOpens"),
        moved.of(FAILURES, clientPod.labels()),
        failed + of(n, Visit.LOCAL),
        step(a, endA, "TcpAttemptFails"));
    proof(
        "%s: lost: skipped runs %d, storage %d, events %d",
        family,
        moved.of("sonde_events_lost_total", "where", "recursion"),
        moved.of("sonde_events_lost_total", "where", "storage"),
        moved.of("sonde_events_lost_total", "where", "reserve"));
    for (String reason : List.of("refused", "timeout", "unreachable", "aborted", "local")) {
      proof(
          "%s: failures %s %d of %d",
          family,
          reason,
          moved.of(FAILURES, clientPod.labels("reason", reason)),
          of(n, Visit.valueOf(reason.toUpperCase(Locale.ROOT))));
    }
    for (String reason : List.of("local", "peer", "reset", "timeout")) {
      proof(
          "%s: closes %s: client %d, server %d",
          family,
          reason,
          moved.of(CLOSES, clientPod.labels("reason", reason)),
          moved.of(CLOSES, serverPod.labels("reason", reason)));
    }
    proof(
        "%s: resets sent %d + nobody's %d against OutRsts %d; received %d against nft's %d",
        family, sent, nobody, outRsts, received, seen);
    holdups(moved, family, clientPod, serverPod, a, b, endA, endB);
    assertThat(moved.of(OPENS, clientPod.labels("role", "client"))).isEqualTo(open);
    assertThat(moved.of(OPENS, clientPod.labels("role", "server"))).isZero();
    assertThat(moved.of(OPENS, serverPod.labels("role", "server"))).isEqualTo(open);
    assertThat(moved.of(OPENS, serverPod.labels("role", "client"))).isZero();
    assertThat(step(a, endA, "TcpActiveOpens")).isEqualTo(open + failed);
    assertThat(step(b, endB, "TcpPassiveOpens")).isEqualTo(open);
    assertThat(step(a, endA, "TcpAttemptFails")).isEqualTo(failed - of(n, Visit.ABORTED));
    for (String reason : List.of("refused", "timeout", "unreachable", "aborted", "local")) {
      assertThat(moved.of(FAILURES, clientPod.labels("reason", reason)))
          .as("connects that failed: %s", reason)
          .isEqualTo(of(n, Visit.valueOf(reason.toUpperCase(Locale.ROOT))));
    }
    long localEnd =
        of(n, Visit.FINISH) + of(n, Visit.HALF_CLOSE) + (of(n, Visit.LOCAL) > 0 ? 1 : 0);
    long cuts = of(n, Visit.CUT) + of(n, Visit.CUTTER);
    closes(moved, clientPod, localEnd, of(n, Visit.SERVED), cuts, of(n, Visit.STUCK));
    closes(moved, serverPod, of(n, Visit.SERVED), localEnd, cuts, 0);
    assertThat(sent + nobody)
        .as("resets sent, for whom there is a socket and for whom not")
        .isBetween(outRsts, outRsts + resetElsewhere);
    long answered = cuts + of(n, Visit.REFUSED);
    assertThat(received).as("resets that a socket received").isEqualTo(answered);
    // a late duplicate meets a socket that is gone, is reset, and the reset meets one that is gone
    assertThat(seen - received).as("resets for no socket").isEqualTo(outRsts - answered);
  }

  /** Nothing is in the way here: what little there is must be the same on both sides. */
  private static void holdups(
      TcpMoved moved,
      String family,
      PodCgroup clientPod,
      PodCgroup serverPod,
      Map<String, Long> a,
      Map<String, Long> b,
      Map<String, Long> endA,
      Map<String, Long> endB) {
    long windows =
        moved.of(WINDOWS, clientPod.labels("direction", "sent"))
            + moved.of(WINDOWS, serverPod.labels("direction", "sent"));
    long adverts =
        step(a, endA, "TcpExtTCPToZeroWindowAdv") + step(b, endB, "TcpExtTCPToZeroWindowAdv");
    proof(
        "%s: zero windows %d of TCPToZeroWindowAdv %d; listen drops %d of ListenDrops %d; overflows"
            + " %d of ListenOverflows %d",
        family,
        windows,
        adverts,
        moved.of(DROPS, serverPod.labels()),
        step(b, endB, "TcpExtListenDrops"),
        moved.of(OVERFLOWS, serverPod.podLabels("")),
        step(b, endB, "TcpExtListenOverflows"));
    assertThat(windows).isEqualTo(adverts);
    assertThat(moved.of(DROPS, serverPod.labels())).isEqualTo(step(b, endB, "TcpExtListenDrops"));
    assertThat(moved.of(OVERFLOWS, serverPod.podLabels("")))
        .isEqualTo(step(b, endB, "TcpExtListenOverflows"));
  }

  private static void closes(
      TcpMoved moved, PodCgroup pod, long local, long peer, long reset, long timeout) {
    assertThat(
            List.of(
                moved.of(CLOSES, pod.labels("reason", "local")),
                moved.of(CLOSES, pod.labels("reason", "peer")),
                moved.of(CLOSES, pod.labels("reason", "reset")),
                moved.of(CLOSES, pod.labels("reason", "timeout"))))
        .as("closed by local, peer, reset, timeout")
        .containsExactly(local, peer, reset, timeout);
  }

  private static long opensBut(LossyPair net) {
    return Netns.elsewhere("TcpActiveOpens", net.a(), net.b())
        + Netns.elsewhere("TcpPassiveOpens", net.a(), net.b());
  }

  private static long of(Map<Visit, Long> counts, Visit visit) {
    return requireNonNull(counts.get(visit));
  }

  private static long step(Map<String, Long> before, Map<String, Long> after, String name) {
    return after.getOrDefault(name, 0L) - before.getOrDefault(name, 0L);
  }

  private static String addIpv6(LossyPair net) {
    Command.run("ip", "-n", net.a(), "addr", "add", "fd99::1/64", "dev", "eth0", "nodad");
    Command.run("ip", "-n", net.b(), "addr", "add", "fd99::2/64", "dev", "eth0", "nodad");
    return "fd99::2";
  }

  /** Short patience, a port that swallows, a port that answers by ICMP, and a count of resets. */
  private static void prepare(LossyPair net) {
    for (String setting :
        List.of(
            "tcp_syn_retries=1",
            "tcp_retries2=2",
            "icmp_ratelimit=0",
            "icmp_msgs_per_sec=100000",
            "icmp_msgs_burst=100000")) {
      for (String ns : List.of(net.a(), net.b())) {
        Command.run("ip", "netns", "exec", ns, "sysctl", "-w", "net.ipv4." + setting);
        Command.run("ip", "netns", "exec", ns, "sysctl", "-w", "net.ipv6.icmp.ratelimit=0");
      }
    }
    Netns.nft(
        net.b(),
        "add table inet walls",
        "add chain inet walls input { type filter hook input priority 0; }",
        "add rule inet walls input tcp dport 9 drop",
        "add rule inet walls input tcp dport 11 reject with icmpx host-unreachable");
    Netns.countResets(net.a());
    Netns.countResets(net.b());
  }
}
