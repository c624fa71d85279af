package dev.sonde.agent.truth;

import static dev.sonde.agent.truth.TcpMoved.proof;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Connects by destination: real ones, to few and to very many addresses, and while events are lost.
 */
class TcpPeersIT {
  private static final String CONNECTS = "sonde_tcp_peer_connects_total";
  private static final String OPENS = "sonde_tcp_opens_total";
  private static final String FAILURES = "sonde_tcp_connect_failures_total";

  @TempDir Path directory;

  private static AgentProcess start(String... more) {
    List<String> flags = new ArrayList<>(List.of("--probes", "all,-sched", "--grpc-listen", "off"));
    flags.addAll(List.of(more));
    return AgentProcess.start(flags.toArray(String[]::new));
  }

  private static TcpPeer peer(PodCgroup pod, String namespace, String... command) {
    List<String> all = new ArrayList<>(List.of("ip", "netns", "exec", namespace));
    all.addAll(List.of(command));
    return TcpPeer.of(pod, all.toArray(String[]::new));
  }

  /** 10.77.0.0/16 is all of it at b. */
  private static void manyAddresses(LossyPair net) {
    Command.run("ip", "-n", net.b(), "route", "add", "local", "10.77.0.0/16", "dev", "lo");
    Command.run("ip", "-n", net.a(), "route", "add", "10.77.0.0/16", "via", net.addressB());
  }

  /** A server of no container: its addresses are no pod's. */
  private static TcpPeer noPod(LossyPair net, String program) {
    return TcpPeer.outside("ip", "netns", "exec", net.b(), program, "serve", "0.0.0.0", "client");
  }

  /** Waits for the sum over the peers to be the counters' own, for both results. */
  private static Scrape settled(AgentProcess agent, PodCgroup pod, long opens) {
    Scrape[] last = new Scrape[1];
    await("the sum over the peers to be the total")
        .atMost(Duration.ofSeconds(20))
        .until(
            () -> {
              Scrape s = agent.fresh();
              last[0] = s;
              return s.sum(OPENS, pod.labels("role", "client")) == opens
                  && s.sum(CONNECTS, pod.labels("result", "established")) == opens
                  && s.sum(CONNECTS, pod.labels("result", "failed"))
                      == s.sum(FAILURES, pod.labels());
            });
    return last[0];
  }

  @Test
  void namesPodsAndNetworksAndWhatFailed() {
    String program = Compiled.program(directory, "tcp_load").toString();
    try (AgentProcess agent = start("--tcp-peers", "5");
        LossyPair net = LossyPair.create(0);
        PodCgroup serverPod = PodCgroup.create();
        PodCgroup clientPod = PodCgroup.create()) {
      manyAddresses(net);
      try (TcpPeer server = peer(serverPod, net.b(), program, "serve", "0.0.0.0", "client");
          TcpPeer elsewhere = noPod(net, program)) {
        String port = Long.toString(server.answer());
        String other = Long.toString(elsewhere.answer());
        // its own address is known from the first connection on
        visit(clientPod, net, program, net.addressB(), port, 1);
        Scrape first = settled(agent, clientPod, 1);
        visit(clientPod, net, program, net.addressB(), port, 40);
        visit(clientPod, net, program, "10.77.1.1", other, 30);
        visit(clientPod, net, program, "10.77.1.200", other, 3);
        visit(clientPod, net, program, "10.77.2.1", other, 20);
        refuse(clientPod, net, "10.77.3.1", 25);
        Scrape s = settled(agent, clientPod, 94);
        proof("peers: %s", s.lines(CONNECTS));
        assertThat(first.sum(CONNECTS, clientPod.labels())).isEqualTo(1);
        assertThat(s.sum(CONNECTS, clientPod.labels("peer", serverPod.pod())))
            .isBetween(40.0, 41.0);
        assertThat(s.sum(CONNECTS, clientPod.labels("peer", "10.77.1.0/24"))).isEqualTo(33);
        assertThat(s.sum(CONNECTS, clientPod.labels("peer", "10.77.2.0/24"))).isEqualTo(20);
        assertThat(s.sum(CONNECTS, clientPod.labels("peer", "10.77.3.0/24", "result", "failed")))
            .isEqualTo(25);
        assertThat(
                s.sum(CONNECTS, clientPod.labels("peer", "10.77.3.0/24", "result", "established")))
            .isZero();
        assertThat(s.sum(CONNECTS, serverPod.labels())).as("a server connects nowhere").isZero();
      }
    }
  }

  private static void visit(
      PodCgroup pod, LossyPair net, String program, String address, String port, int times) {
    try (TcpPeer client =
        peer(
            pod,
            net.a(),
            program,
            "visit",
            address,
            port,
            "client",
            Integer.toString(times),
            "1")) {
      assertThat(client.answer()).isEqualTo(times);
    }
  }

  private static void refuse(PodCgroup pod, LossyPair net, String address, int times) {
    try (TcpPeer client =
        peer(
            pod,
            net.a(),
            "bash",
            "-c",
            "for ((i = 0; i < %d; i++)); do ! (: 3<>/dev/tcp/%s/1) 2>/dev/null || exit 1; done; echo ok %d; sleep 60"
                .formatted(times, address, times))) {
      assertThat(client.answer()).isEqualTo(times);
    }
  }

  /** More addresses than there is room for, in one snapshot and in all; and a buffer too small. */
  @ParameterizedTest
  @CsvSource({"15000, 1MiB, 200ms", "15000, 1MiB, 5s", "15000, 64KiB, 200ms"})
  void hostileNumbersOfPeersLoseNothing(int sockets, String buffer, String interval) {
    String program = Compiled.program(directory, "tcp_load").toString();
    try (AgentProcess agent =
            start(
                "--tcp-peers",
                "5",
                "--tcp-peer-mask",
                "32,128",
                "--ring-buffer-bytes",
                buffer,
                "--snapshot-interval",
                interval);
        LossyPair net = LossyPair.create(0);
        PodCgroup clientPod = PodCgroup.create()) {
      manyAddresses(net);
      try (TcpPeer server = noPod(net, program)) {
        String port = Long.toString(server.answer());
        visit(clientPod, net, program, "10.77.200.1", port, 100);
        try (TcpPeer client =
            peer(
                clientPod,
                net.a(),
                program,
                "hold",
                "10.77.0.1",
                port,
                Integer.toString(sockets),
                Integer.toString(sockets),
                "0")) {
          assertThat(client.answer()).isEqualTo(sockets);
          Scrape s = settled(agent, clientPod, sockets + 100L);
          List<Scrape.Sample> series = s.samples(CONNECTS, clientPod.labels());
          double others =
              s.sum(CONNECTS, clientPod.labels("peer", "~other", "result", "established"));
          proof(
              "%,d peers, buffer %s, snapshot %s: %d series, ~other %,.0f, all %,.0f of %,d;"
                  + " events lost %,.0f",
              sockets,
              buffer,
              interval,
              series.size(),
              others,
              s.sum(CONNECTS, clientPod.labels()),
              sockets + 100,
              s.sum("sonde_events_lost_total", "where", "reserve"));
          assertThat(series).hasSizeLessThanOrEqualTo(2 * 6);
          assertThat(s.sum(CONNECTS, clientPod.labels("peer", "10.77.200.1/32")))
              .as("the frequent one")
              .isGreaterThanOrEqualTo(100);
          assertThat(others).isGreaterThan(sockets - 100.0);
        }
      }
    }
  }

  @Test
  void nobodyIsToldUnlessAsked() {
    try (AgentProcess agent = start()) {
      assertThat(agent.fresh().samples(CONNECTS)).isEmpty();
    }
  }
}
