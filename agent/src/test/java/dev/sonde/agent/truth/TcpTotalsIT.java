package dev.sonde.agent.truth;

import static dev.sonde.agent.truth.TcpMoved.proof;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sonde.agent.probe.ProbesInProcess;
import dev.sonde.agent.truth.TcpCrowd.Serve;
import dev.sonde.agent.truth.TcpCrowd.Visit;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * The sum over all workloads is the node's: nothing falls between two workloads, and nothing counts
 * for two. What the node did, its network namespaces say, all added up.
 *
 * <p>The probes are in this JVM and nobody is asked over TCP, so that nothing else moves unless
 * somebody else makes it: that is in the namespaces' counters before and after each look.
 */
class TcpTotalsIT {
  private static final int EACH = 200;
  private static final int BYTES = 3_000_000;
  private static final long LARGEST_PACKET = 65_535;

  /** A counter of Sonde's and what it is the sum of. */
  private record Total(String name, Map<String, String> labels, String counter) {
    long of(Scrape scrape) {
      return Math.round(
          scrape.sum(
              name,
              labels.entrySet().stream()
                  .flatMap(e -> Stream.of(e.getKey(), e.getValue()))
                  .toArray(String[]::new)));
    }

    long of(Map<String, Long> node) {
      return node.getOrDefault(counter, 0L);
    }
  }

  private static final Total[] TOTALS = {
    new Total("sonde_tcp_opens_total", Map.of("role", "server"), "TcpPassiveOpens"),
    new Total("sonde_tcp_retransmits_total", Map.of(), Netns.RETRANSMITTED),
    new Total("sonde_tcp_resets_total", Map.of("direction", "sent"), "TcpOutRsts"),
  };

  /** Opens by clients, and connects that failed after a SYN was sent: ActiveOpens. */
  private static long connects(Scrape scrape) {
    long failed = Math.round(scrape.sum("sonde_tcp_connect_failures_total"));
    long local = Math.round(scrape.sum("sonde_tcp_connect_failures_total", "reason", "local"));
    return Math.round(scrape.sum("sonde_tcp_opens_total", "role", "client")) + failed - local;
  }

  /** What Sonde and the node's namespaces came to, the latter before and after. */
  private record Look(
      String namespaces,
      Map<String, Long> before,
      Scrape scrape,
      Map<String, Long> after,
      long others) {
    static Look at(ProbesInProcess probes, LossyPair net) {
      String namespaces = Command.run("ip", "netns", "list");
      Map<String, Long> before = Netns.allBut();
      Scrape scrape = new Scrape(probes.read());
      Map<String, Long> after = Netns.allBut();
      long others = Netns.elsewhere("TcpOutSegs", net.a(), net.b());
      return new Look(namespaces, before, scrape, after, others);
    }
  }

  @Test
  void theSumOverWorkloadsIsTheNodes() {
    Set<String> probes =
        ProbesInProcess.ladders().keySet().stream()
            .filter(p -> p.startsWith("tcp_"))
            .collect(Collectors.toSet());
    try (LossyPair net = LossyPair.create(3);
        PodCgroup serverPod = PodCgroup.create();
        PodCgroup clientPod = PodCgroup.create();
        ProbesInProcess attached = ProbesInProcess.attach(Map.of(), probes);
        TcpPeer server = TcpPeer.startIn(net.b(), serverPod);
        TcpPeer client = TcpPeer.startIn(net.a(), clientPod);
        PodCgroup otherPod = PodCgroup.create();
        TcpPeer other = TcpPeer.startIn(net.a(), otherPod);
        TcpPeer local = TcpPeer.startIn(net.b(), otherPod)) {
      for (int i = 0; i < 5; i++) {
        Look first = Look.at(attached, net);
        long known = load(net, server, client, other, local);
        Look last = Look.at(attached, net);
        // what a namespace counted goes with it: another test's, if there is one beside this
        if (first.namespaces.equals(last.namespaces)) {
          check(first, last);
          bytes(first, last, known);
          return;
        }
      }
      throw new AssertionError("namespaces came and went all the time");
    }
  }

  /** The bytes that were sent and received. */
  private static long load(
      LossyPair net, TcpPeer server, TcpPeer client, TcpPeer other, TcpPeer local) {
    long known = 0;
    long read = server.tell("serve " + net.addressB() + " " + Serve.READ);
    long reset = server.tell("serve " + net.addressB() + " " + Serve.RESET);
    for (TcpPeer each : new TcpPeer[] {client, other}) {
      String to = "crowd " + net.addressB() + " ";
      assertThat(each.tell(to + read + " " + Visit.FINISH + " " + EACH)).isEqualTo(EACH);
      assertThat(each.tell(to + reset + " " + Visit.CUT + " " + EACH)).isEqualTo(EACH);
      assertThat(each.tell(to + "7 " + Visit.REFUSED + " " + EACH)).isEqualTo(EACH);
      known += 2 * EACH;
    }
    long stalled = server.tell("stall " + net.addressB() + " 20 " + BYTES / 10);
    client.tell("push %s %d 10 %d".formatted(net.addressB(), stalled, BYTES / 10));
    known += BYTES + 10;
    long own = local.tell("serve 127.0.0.1 " + Serve.READ);
    assertThat(local.tell("crowd 127.0.0.1 " + own + " " + Visit.FINISH + " " + EACH))
        .isEqualTo(EACH);
    known += EACH;
    await("every connection to have ended")
        .atMost(Duration.ofSeconds(30))
        .until(
            () ->
                Netns.sockets(net.a(), "exclude", "time-wait") == 0
                    && Netns.sockets(net.b(), "exclude", "time-wait") == 0);
    return known;
  }

  private static void check(Look first, Look last) {
    Map<String, String> wrong = new LinkedHashMap<>();
    for (Total t : TOTALS) {
      long found = t.of(last.scrape) - t.of(first.scrape);
      long least = t.of(last.before) - t.of(first.after);
      if (t.name.equals(TcpMoved.RETRANSMITS)) {
        least -= Math.max(2, least / 50); // runs that the kernel skips: docs/truth.md
      }
      compare(t.name + t.labels, found, least, t.of(last.after) - t.of(first.before), wrong);
    }
    compare(
        "connects",
        connects(last.scrape) - connects(first.scrape),
        active(last.before) - active(first.after),
        active(last.after) - active(first.before),
        wrong);
    assertThat(wrong).isEmpty();
  }

  private static void compare(
      String what, long found, long least, long most, Map<String, String> wrong) {
    proof("all workloads, %s: %d against the node's %d to %d", what, found, least, most);
    if (found < least || found > most) {
      wrong.put(what, found + " of " + least + " to " + most);
    }
  }

  private static void bytes(Look first, Look last, long known) {
    long sent = Math.round(last.scrape.sum(TcpMoved.SENT) - first.scrape.sum(TcpMoved.SENT));
    long received =
        Math.round(last.scrape.sum(TcpMoved.RECEIVED) - first.scrape.sum(TcpMoved.RECEIVED));
    long others = last.others - first.others;
    proof(
        "all workloads: sent %,d, received %,d of %,d; %d segments were sent in other namespaces",
        sent, received, known, others);
    assertThat(sent).isBetween(known, known + others * LARGEST_PACKET);
    assertThat(received).isBetween(known, known + others * LARGEST_PACKET);
  }

  private static long active(Map<String, Long> node) {
    return node.getOrDefault("TcpActiveOpens", 0L);
  }
}
