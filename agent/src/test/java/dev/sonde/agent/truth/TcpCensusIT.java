package dev.sonde.agent.truth;

import static dev.sonde.agent.truth.TcpMoved.proof;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sonde.agent.truth.TcpCrowd.Serve;
import dev.sonde.agent.truth.TcpCrowd.Visit;
import java.time.Duration;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** How many sockets are in which state, against {@code ss} in the namespaces. */
class TcpCensusIT {
  private static final String CONNECTIONS = "sonde_tcp_connections";
  private static final int HELD = 300;
  private static final Duration PATIENCE = Duration.ofSeconds(20);

  /** The states of the census as ss names them. */
  private static final Map<String, String> STATES =
      Map.of(
          "established", "established",
          "syn_sent", "syn-sent",
          "fin_wait_1", "fin-wait-1",
          "close_wait", "close-wait",
          "last_ack", "last-ack",
          "closing", "closing",
          "listening", "listening");

  /**
   * @param before whether the agent is there before the sockets, and counts their changes, or after
   *     them, and finds them at its start
   */
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void isWhatSsShows(boolean before) {
    try (LossyPair net = LossyPair.create(0);
        PodCgroup serverPod = PodCgroup.create();
        PodCgroup clientPod = PodCgroup.create()) {
      if (before) {
        try (AgentProcess agent = start();
            TcpPeer server = TcpPeer.startIn(net.b(), serverPod);
            TcpPeer client = TcpPeer.startIn(net.a(), clientPod)) {
          int port = hold(net, server, client);
          compare(agent, net, serverPod, clientPod, "counted");
          client.tell("crowd " + net.addressB() + " " + port + " " + Visit.LEAVE + " " + HELD);
          compare(agent, net, serverPod, clientPod, "counted, after the end");
        }
      } else {
        try (TcpPeer server = TcpPeer.startIn(net.b(), serverPod);
            TcpPeer client = TcpPeer.startIn(net.a(), clientPod)) {
          int port = hold(net, server, client);
          try (AgentProcess agent = start()) {
            compare(agent, net, serverPod, clientPod, "found");
            client.tell("crowd " + net.addressB() + " " + port + " " + Visit.LEAVE + " " + HELD);
            compare(agent, net, serverPod, clientPod, "found, after the end");
          }
        }
      }
    }
  }

  private static AgentProcess start() {
    return AgentProcess.start("--probes", "all,-sched", "--grpc-listen", "off");
  }

  private static int hold(LossyPair net, TcpPeer server, TcpPeer client) {
    int port = (int) server.tell("serve " + net.addressB() + " " + Serve.READ);
    client.tell("crowd " + net.addressB() + " " + port + " " + Visit.HOLD + " " + HELD);
    return port;
  }

  private static void compare(
      AgentProcess agent, LossyPair net, PodCgroup serverPod, PodCgroup clientPod, String what) {
    Map<String, Long> first = Map.of();
    Map<String, Long> found = Map.of();
    long begun = System.nanoTime();
    boolean rested = false;
    // where the kernel did not run the programs for an end, that is found out within seconds
    while (!rested || System.nanoTime() - begun < PATIENCE.toNanos()) {
      if (System.nanoTime() - begun > 3 * PATIENCE.toNanos()) {
        throw new AssertionError("the sockets were never at rest during a scrape");
      }
      first = ss(net);
      Scrape scrape = agent.fresh();
      found = census(scrape, serverPod, clientPod);
      rested = first.equals(ss(net));
      if (rested && found.equals(first)) {
        proof(
            "census, %s: %s against ss %s, after %.1f s; %.0f ended unseen",
            what,
            found,
            first,
            (System.nanoTime() - begun) / 1e9,
            scrape.sum("sonde_events_lost_total", "where", "missed_end"));
        return;
      }
    }
    assertThat(found).isEqualTo(first);
  }

  private static Map<String, Long> census(Scrape scrape, PodCgroup... pods) {
    Map<String, Long> found = new TreeMap<>();
    for (String state : STATES.keySet()) {
      long n = 0;
      for (PodCgroup pod : pods) {
        n += Math.round(scrape.sum(CONNECTIONS, pod.labels("state", state)));
      }
      found.put(state, n);
    }
    return found;
  }

  private static Map<String, Long> ss(LossyPair net) {
    Map<String, Long> shown = new TreeMap<>();
    STATES.forEach(
        (state, name) -> {
          long n = 0;
          for (String ns : new String[] {net.a(), net.b()}) {
            n +=
                Command.run("ip", "netns", "exec", ns, "ss", "-Htn", "state", name)
                    .lines()
                    .filter(l -> !l.isBlank())
                    .count();
          }
          shown.put(state, n);
        });
    return shown;
  }
}
