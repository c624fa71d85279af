package dev.sonde.agent.truth;

import static dev.sonde.agent.truth.TcpMoved.proof;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sonde.agent.KernelTest;
import dev.sonde.agent.probe.ProbesInProcess;
import dev.sonde.agent.truth.TcpCrowd.Serve;
import dev.sonde.agent.truth.TcpCrowd.Visit;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The kernel does not run a program that it interrupts. Of the two programs at the hook for changes
 * of state the second counts what the first was not run for: here the first is never run, and with
 * both each change counts once.
 */
@KernelTest
class TcpSkippedRunsKernelIT {
  private static final int CONNECTIONS = 200;

  @ParameterizedTest
  @CsvSource({
    "tp_btf,tcp_set_state_btf",
    "tp_btf_hash,tcp_set_state_btf",
    "raw_tp,tcp_set_state_raw"
  })
  void everyChangeCountsOnceWhicheverProgramRuns(String mechanism, String first) {
    try (LossyPair net = LossyPair.create(0);
        PodCgroup serverPod = PodCgroup.create();
        PodCgroup clientPod = PodCgroup.create();
        ProbesInProcess probes = ProbesInProcess.attach("tcp_owner", mechanism);
        TcpPeer server = TcpPeer.startIn(net.b(), serverPod);
        TcpPeer client = TcpPeer.startIn(net.a(), clientPod)) {
      assertThat(probes.report("tcp_owner").mechanism()).isEqualTo(mechanism);
      long port = server.tell("serve " + net.addressB() + " " + Serve.READ);
      round(probes, net, serverPod, client, clientPod, port, mechanism + ", both run");
      probes.detach("tcp_owner", first);
      round(probes, net, serverPod, client, clientPod, port, mechanism + ", first not run");
    }
  }

  /** Sockets that ended while no program was run leave the census all the same, and are told of. */
  @Test
  void whatEndedUnseenLeavesTheCensus() {
    try (LossyPair net = LossyPair.create(0);
        PodCgroup serverPod = PodCgroup.create();
        PodCgroup clientPod = PodCgroup.create();
        ProbesInProcess probes = ProbesInProcess.attach("tcp_owner", "tp_btf");
        TcpPeer server = TcpPeer.startIn(net.b(), serverPod);
        TcpPeer client = TcpPeer.startIn(net.a(), clientPod)) {
      long port = server.tell("serve " + net.addressB() + " " + Serve.READ);
      String crowd = "crowd " + net.addressB() + " " + port + " %s " + CONNECTIONS;
      Scrape before = new Scrape(probes.read());
      client.tell(crowd.formatted(Visit.HOLD));
      assertThat(established(new TcpMoved(before, new Scrape(probes.read())), clientPod))
          .isEqualTo(CONNECTIONS);
      probes.detach("tcp_owner", "tcp_set_state_btf");
      probes.detach("tcp_owner", "tcp_set_state_2_btf");
      client.tell(crowd.formatted(Visit.LEAVE));
      awaitEnd(net);
      long begun = System.nanoTime();
      Scrape[] now = new Scrape[1];
      await("the census to be set right")
          .atMost(Duration.ofSeconds(60))
          .until(
              () -> {
                now[0] = new Scrape(probes.read());
                return now[0].sum("sonde_tcp_connections", clientPod.labels()) == 0;
              });
      TcpMoved moved = new TcpMoved(before, now[0]);
      proof(
          "%d connections that ended unseen: %d left in the client's census and %d established in"
              + " all after %.1f s, missed_end %d",
          CONNECTIONS,
          moved.of("sonde_tcp_connections", clientPod.labels()),
          moved.of("sonde_tcp_connections", "state", "established"),
          (System.nanoTime() - begun) / 1e9,
          moved.of("sonde_events_lost_total", "where", "missed_end"));
      assertThat(moved.of("sonde_events_lost_total", "where", "missed_end"))
          .isGreaterThanOrEqualTo(CONNECTIONS);
      assertThat(moved.of("sonde_tcp_closes_total", clientPod.labels())).isZero();
    }
  }

  private static void awaitEnd(LossyPair net) {
    await("every connection to have ended")
        .atMost(Duration.ofSeconds(30))
        .until(
            () ->
                Netns.sockets(net.a(), "exclude", "time-wait") == 0
                    && Netns.sockets(net.b(), "exclude", "time-wait") == 0);
  }

  private static void round(
      ProbesInProcess probes,
      LossyPair net,
      PodCgroup serverPod,
      TcpPeer client,
      PodCgroup clientPod,
      long port,
      String what) {
    Scrape before = new Scrape(probes.read());
    String crowd = "crowd " + net.addressB() + " " + port + " %s " + CONNECTIONS;
    assertThat(client.tell(crowd.formatted(Visit.HOLD))).isEqualTo(CONNECTIONS);
    assertThat(Netns.sockets(net.a(), "state", "established")).isEqualTo(CONNECTIONS);
    TcpMoved opened = new TcpMoved(before, new Scrape(probes.read()));
    client.tell(crowd.formatted(Visit.LEAVE));
    awaitEnd(net);
    TcpMoved all = new TcpMoved(before, new Scrape(probes.read()));
    proof(
        "%s: opens %d and %d, in the census %d, closes %d and %d of %d; left in the census %d",
        what,
        opened.of("sonde_tcp_opens_total", clientPod.labels("role", "client")),
        opened.of("sonde_tcp_opens_total", serverPod.labels("role", "server")),
        established(opened, clientPod),
        all.of("sonde_tcp_closes_total", clientPod.labels("reason", "local")),
        all.of("sonde_tcp_closes_total", serverPod.labels("reason", "peer")),
        CONNECTIONS,
        all.of("sonde_tcp_connections", clientPod.labels()));
    for (TcpMoved moved : new TcpMoved[] {opened, all}) {
      assertThat(moved.of("sonde_tcp_opens_total", clientPod.labels())).isEqualTo(CONNECTIONS);
      assertThat(moved.of("sonde_tcp_opens_total", clientPod.labels("role", "client")))
          .isEqualTo(CONNECTIONS);
    }
    // accepted sockets are the listener's until their first I/O, which no probe tells of here
    assertThat(all.of("sonde_tcp_opens_total", "role", "server"))
        .isGreaterThanOrEqualTo(CONNECTIONS);
    assertThat(established(opened, clientPod)).isEqualTo(CONNECTIONS);
    assertThat(all.of("sonde_tcp_closes_total", clientPod.labels("reason", "local")))
        .isEqualTo(CONNECTIONS);
    assertThat(all.of("sonde_tcp_closes_total", clientPod.labels())).isEqualTo(CONNECTIONS);
    assertThat(all.of("sonde_tcp_connections", clientPod.labels())).isZero();
    assertThat(all.of("sonde_tcp_connect_seconds_count", clientPod.labels()))
        .isEqualTo(CONNECTIONS);
  }

  private static long established(TcpMoved moved, PodCgroup pod) {
    return moved.of("sonde_tcp_connections", pod.labels("state", "established"));
  }
}
