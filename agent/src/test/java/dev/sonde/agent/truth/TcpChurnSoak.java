package dev.sonde.agent.truth;

import static dev.sonde.agent.truth.TcpMoved.proof;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sonde.agent.KernelTest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * 5,000 connections a second for a minute ({@code -Dsonde.soak}): each is counted on both sides,
 * each of its events is read or counted as lost, no counter ever falls, and nothing of it stays in
 * the kernel.
 */
@KernelTest
class TcpChurnSoak {
  private static final int SECONDS = Integer.getInteger("sonde.soak", 60);
  private static final int CLIENTS = 2;
  private static final int RATE = 5_000;
  private static final String[] COUNTED = {
    "sonde_tcp_opens_total", "sonde_tcp_closes_total", "sonde_tcp_connect_failures_total"
  };

  @TempDir Path directory;

  private static TcpPeer peer(PodCgroup pod, String namespace, String... command) {
    List<String> all = new ArrayList<>(List.of("ip", "netns", "exec", namespace));
    all.addAll(List.of(command));
    return TcpPeer.of(pod, all.toArray(String[]::new));
  }

  /** Every counter by its name and labels; complains of one that has fallen. */
  private static final class Counters {
    private final Map<String, Double> last = new HashMap<>();
    private long looks;

    void look(Scrape scrape) {
      looks++;
      scrape
          .text()
          .lines()
          .filter(l -> !l.startsWith("#") && l.split("[{ ]")[0].endsWith("_total"))
          .forEach(
              l -> {
                String series = l.substring(0, l.lastIndexOf(' '));
                double now = Double.parseDouble(l.substring(l.lastIndexOf(' ') + 1));
                Double before = last.put(series, now);
                assertThat(now).as(series).isGreaterThanOrEqualTo(before == null ? 0 : before);
              });
    }
  }

  private static long slabKb() throws IOException {
    for (String line : Files.readAllLines(Path.of("/proc/meminfo"))) {
      if (line.startsWith("SUnreclaim:")) {
        return Long.parseLong(line.replaceAll("\\D", ""));
      }
    }
    throw new AssertionError("no SUnreclaim");
  }

  private static long sum(TcpMoved moved, String... labels) {
    long all = 0;
    for (String name : COUNTED) {
      all += moved.of(name, labels);
    }
    return all;
  }

  @ParameterizedTest
  @ValueSource(strings = {"tcp_owner=tp_btf", "tcp_owner=tp_btf_hash"})
  void nothingIsLostLeftBehindOrTakenBack(String mechanism) throws IOException {
    String program = Compiled.program(directory, "tcp_load").toString();
    int seconds = Math.max(5, SECONDS);
    try (LossyPair net = LossyPair.create(0);
        AgentProcess agent =
            AgentProcess.start(
                "--grpc-listen",
                "off",
                "--probes",
                "all,-sched,-cgroup,-container_start,-oom",
                "--mechanism",
                mechanism);
        PodCgroup serverPod = PodCgroup.create();
        PodCgroup clientPod = PodCgroup.create();
        TcpPeer server = peer(serverPod, net.a(), program, "serve", "127.0.0.1", "server")) {
      String port = Long.toString(server.answer());
      Counters counters = new Counters();
      // what is made once is made
      assertThat(visit(clientPod, net, program, port, 1000, 2)).isEqualTo(2000L * CLIENTS);
      Scrape before = agent.fresh();
      long slabBefore = slabKb();
      long began = System.nanoTime();
      List<TcpPeer> clients = start(clientPod, net, program, port, RATE / CLIENTS, seconds);
      while (clientPod.pids().size() > 0) {
        counters.look(agent.fresh());
      }
      long truth = clients.stream().mapToLong(TcpPeer::answer).sum();
      double took = (System.nanoTime() - began) / 1e9;
      clients.forEach(TcpPeer::close);
      await("every written event to be read")
          .atMost(Duration.ofSeconds(20))
          .until(
              () -> {
                Scrape s = agent.fresh();
                return s.sum("sonde_events_read_total") == s.sum("sonde_events_written_total");
              });
      TcpMoved moved = new TcpMoved(before, agent.fresh());
      long events =
          moved.of("sonde_events_written_total")
              + moved.of("sonde_events_lost_total", "where", "reserve");
      long ours = sum(moved, clientPod.labels()) + sum(moved, serverPod.labels());
      // other workloads' connections are events as well, and resets and retransmits are
      long most =
          sum(moved) + moved.of("sonde_tcp_resets_total") + moved.of("sonde_tcp_retransmits_total");
      proof(
          "churn, %s: %,d connections in %.0f s (%.0f/s): opens %,d + %,d, closes %,d + %,d; events"
              + " %,d written and read, %,d lost for want of room, of %,d to %,d; %d looks, no"
              + " counter fell; kernel memory %+d kB; resident %.1f MB, %.1f MB"
              + " before; agent's CPU %.1f%% of one",
          mechanism,
          truth,
          took,
          truth / took,
          moved.of("sonde_tcp_opens_total", clientPod.labels("role", "client")),
          moved.of("sonde_tcp_opens_total", serverPod.labels("role", "server")),
          moved.of("sonde_tcp_closes_total", clientPod.labels()),
          moved.of("sonde_tcp_closes_total", serverPod.labels()),
          moved.of("sonde_events_written_total"),
          moved.of("sonde_events_lost_total", "where", "reserve"),
          ours,
          most,
          counters.looks,
          slabKb() - slabBefore,
          agent.scrape().sum("process_resident_memory_bytes") / 1e6,
          before.sum("process_resident_memory_bytes") / 1e6,
          100 * moved.of("process_cpu_seconds_total") / took);
      assertThat(truth).isEqualTo((long) RATE * seconds);
      assertThat(truth / took).as("connections a second").isGreaterThan(0.9 * RATE);
      assertThat(ours).as("opens and closes on both sides").isEqualTo(4 * truth);
      assertThat(moved.of("sonde_events_read_total"))
          .isEqualTo(moved.of("sonde_events_written_total"));
      assertThat(events).isBetween(ours, most);
      for (String where : new String[] {"storage", "map_full"}) {
        assertThat(moved.of("sonde_events_lost_total", "where", where)).as(where).isZero();
      }
      if (seconds >= 60) {
        // bpftool shows no entries of socket storage. 600,000 records would take 120 MB; the
        // sockets in TIME_WAIT, 131,072 at most, take 35 MB
        assertThat(slabKb() - slabBefore).as("kB of kernel memory").isLessThan(80_000);
      }
      assertThat(
              agent.fresh().sum("sonde_tcp_connections", clientPod.labels("state", "established")))
          .isZero();
    }
  }

  private static List<TcpPeer> start(
      PodCgroup pod, LossyPair net, String program, String port, int rate, int seconds) {
    List<TcpPeer> clients = new ArrayList<>();
    for (int i = 0; i < CLIENTS; i++) {
      clients.add(
          peer(
              pod,
              net.a(),
              program,
              "visit",
              "127.0.0.1",
              port,
              "server",
              Integer.toString(rate),
              Integer.toString(seconds)));
    }
    return clients;
  }

  private static long visit(
      PodCgroup pod, LossyPair net, String program, String port, int rate, int seconds) {
    List<TcpPeer> clients = start(pod, net, program, port, rate, seconds);
    long done = clients.stream().mapToLong(TcpPeer::answer).sum();
    clients.forEach(TcpPeer::close);
    return done;
  }
}
