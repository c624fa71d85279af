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
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.assertj.core.api.SoftAssertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A million sockets ({@code -Dsonde.sockets}), seen from their beginning and found by an agent that
 * starts when they are there: the census is what {@code ss} counts, but for changes of state that
 * the kernel ran no program for, the agent grows by less than 50 MB, and what a snapshot costs does
 * not depend on them.
 *
 * <p>They are the two ends of loopback connections in a network namespace; their own memory in the
 * kernel is told, too.
 */
@KernelTest
class TcpMillionSoak {
  private static final long SOCKETS = Long.getLong("sonde.sockets", 1_000_000);

  /** In each process: a limit of 20,000 descriptors is common, and not everybody may raise it. */
  private static final long EACH = 15_000;

  private static final int ADDRESSES = 4;

  /** Snapshots that a cost is the mean of. */
  private static final int LOOKS = 40;

  private static final Map<String, String> STATES =
      Map.of(
          "established", "ESTAB",
          "fin_wait_1", "FIN-WAIT-1",
          "fin_wait_2", "FIN-WAIT-2",
          "close_wait", "CLOSE-WAIT",
          "listening", "LISTEN");

  @TempDir Path directory;

  /** What the agent and the kernel use, when nothing moves. */
  private record Use(double residentMb, double cpuMs, long kernelBytes) {
    static Use of(AgentProcess agent) throws IOException {
      Scrape before = agent.fresh();
      for (int i = 0; i < LOOKS / 2; i++) {
        agent.fresh();
      }
      Scrape after = agent.fresh();
      double snapshots = after.sum("sonde_snapshots_total") - before.sum("sonde_snapshots_total");
      double cpu = after.sum("process_cpu_seconds_total") - before.sum("process_cpu_seconds_total");
      return new Use(
          after.sum("process_resident_memory_bytes") / 1e6, 1e3 * cpu / snapshots, allocated());
    }

    @Override
    public String toString() {
      return "resident %.1f MB, %.1f ms of CPU a snapshot".formatted(residentMb, cpuMs);
    }
  }

  private static long slabKb() throws IOException {
    for (String line : Files.readAllLines(Path.of("/proc/meminfo"))) {
      if (line.startsWith("Slab:")) {
        return Long.parseLong(line.replaceAll("\\D", ""));
      }
    }
    throw new AssertionError("no Slab");
  }

  /**
   * Bytes of objects in the general caches, where socket storage is: not of their pages, which stay
   * as long as one object in each does.
   */
  private static long allocated() throws IOException {
    long bytes = 0;
    for (String line : Files.readAllLines(Path.of("/proc/slabinfo"))) {
      String[] field = line.split("\\s+");
      if (field[0].startsWith("kmalloc-")) {
        bytes += Long.parseLong(field[1]) * Long.parseLong(field[3]);
      }
    }
    return bytes;
  }

  /** The kernel frees what an agent leaves behind in the background. */
  private static long allocatedAtRest() {
    long[] last = {Long.MAX_VALUE};
    await("nothing more to be freed")
        .atMost(Duration.ofSeconds(60))
        .pollInterval(Duration.ofSeconds(1))
        .until(
            () -> {
              long before = last[0];
              last[0] = allocated();
              return last[0] > before - 1_000_000;
            });
    return last[0];
  }

  private static TcpPeer peer(PodCgroup pod, LossyPair net, String... command) {
    List<String> all = new ArrayList<>(List.of("ip", "netns", "exec", net.a()));
    all.addAll(List.of(command));
    return TcpPeer.of(pod, all.toArray(String[]::new));
  }

  private static AgentProcess agent() {
    return AgentProcess.start("--grpc-listen", "off", "--probes", "all,-sched");
  }

  private static double cpuOf(AgentProcess agent) {
    return agent.process().toHandle().info().totalCpuDuration().orElseThrow().toNanos() / 1e9;
  }

  /** All sockets of the namespace, as a full dump shows them, and what the dump cost. */
  private static Map<String, Long> ss(LossyPair net) {
    String script =
        "TIMEFORMAT='cpu %U %S'; time ip netns exec "
            + net.a()
            + " ss -Htan >ss.out; awk '{ n[$1]++ } END { for (s in n) print s, n[s] }' ss.out;"
            + " rm ss.out; ip netns exec "
            + net.a()
            + " cat /proc/net/sockstat";
    Map<String, Long> found = new TreeMap<>();
    STATES.keySet().forEach(state -> found.put(state, 0L));
    double cpu = 0;
    for (String line : Command.run("bash", "-c", "cd /tmp && " + script).split("\n")) {
      String[] word = line.trim().split(" ");
      if (word[0].equals("cpu")) {
        cpu = Double.parseDouble(word[1]) + Double.parseDouble(word[2]);
      } else if (word[0].equals("TCP:")) {
        proof("sockstat: %s", line);
      }
      STATES.forEach(
          (state, name) -> {
            if (name.equals(word[0])) {
              found.put(state, Long.parseLong(word[1]));
            }
          });
    }
    proof("a full dump by ss: %.2f s of CPU", cpu);
    return found;
  }

  private static Map<String, Long> census(AgentProcess agent, PodCgroup... pods) {
    Scrape scrape = agent.fresh();
    Map<String, Long> found = new TreeMap<>();
    for (String state : STATES.keySet()) {
      long n = 0;
      for (PodCgroup pod : pods) {
        n += Math.round(scrape.sum("sonde_tcp_connections", pod.labels("state", state)));
      }
      found.put(state, n);
    }
    return found;
  }

  @Test
  void costNoMoreThanAFew() throws IOException {
    String program = Compiled.program(directory, "tcp_load").toString();
    long connections = SOCKETS / 2;
    SoftAssertions whole = new SoftAssertions(); // all figures first
    try (LossyPair net = LossyPair.create(0);
        PodCgroup serverPod = PodCgroup.create();
        PodCgroup clientPod = PodCgroup.create()) {
      Command.run(
          "ip",
          "netns",
          "exec",
          net.a(),
          "sysctl",
          "-w",
          "net.ipv4.ip_local_port_range=1024 65535");
      Use few;
      Use many;
      long withoutAgent;
      long bare = allocated();
      long all = slabKb();
      try (Holders holders = new Holders(serverPod, clientPod, net, program)) {
        try (TraceFs tracefs = TraceFs.mounted();
            SkippedChanges skipped = SkippedChanges.record();
            AgentProcess agent = agent()) {
          assertThat(tracefs).isNotNull();
          few = Use.of(agent);
          holders.hold(connections);
          many = Use.of(agent);
          Map<String, Long> shown = ss(net);
          Map<String, Long> counted = census(agent, serverPod, clientPod);
          proof(
              "%,d sockets, seen from the beginning: %s, with the first few %s; census %s, ss %s",
              2 * connections, many, few, counted, shown);
          Map<String, Long> unseen = skipped.byState();
          proof("changes while pid 1 had the CPU, by state: %s", unseen);
          shown.forEach(
              (state, there) -> {
                long has = counted.getOrDefault(state, -1L);
                whole
                    .assertThat(Math.abs(has - there))
                    .as("%s: counted %d of %d", state, has, there)
                    .isLessThanOrEqualTo(unseen.getOrDefault(state, 0L));
              });
          assertThat(shown.values().stream().mapToLong(Long::longValue).sum())
              .isEqualTo(2 * connections + holders.servers());
          assertThat(many.residentMb - few.residentMb).as("MB more").isLessThan(50);
          assertThat(many.cpuMs).as("ms of CPU a snapshot").isLessThan(1000);
          assertThat(agent.scrape().sum("sonde_events_lost_total", "where", "storage")).isZero();
        }
        withoutAgent = allocatedAtRest();
        proof(
            "kernel memory of a socket: %,.0f bytes its own, %,.0f bytes Sonde's",
            1024.0 * (slabKb() - all) / (2 * connections),
            sondes(many, few, bare, withoutAgent, connections));
        long began = System.nanoTime();
        try (AgentProcess agent = agent()) {
          double ready = (System.nanoTime() - began) / 1e9;
          double cpu = cpuOf(agent);
          Map<String, Long> found = census(agent, serverPod, clientPod);
          Map<String, Long> shown = ss(net);
          Use late = Use.of(agent);
          proof(
              "%,d sockets, found at the start: ready after %.1f s, %.2f s of CPU; %s; census %s",
              2 * connections, ready, cpu, late, found);
          proof(
              "kernel memory of a socket that was found: %,.0f bytes Sonde's",
              sondes(late, few, bare, withoutAgent, connections));
          whole.assertThat(found).isEqualTo(shown);
          assertThat(late.residentMb - few.residentMb).as("MB more").isLessThan(50);
          assertThat(late.cpuMs).as("ms of CPU a snapshot").isLessThan(1000);
          holders.end();
          await("a census of nothing")
              .atMost(Duration.ofSeconds(60))
              .until(
                  () ->
                      census(agent, serverPod, clientPod).values().stream().allMatch(n -> n == 0));
          whole.assertAll();
        }
      }
    }
  }

  /** Bytes a socket that an agent with all of them has more than one with a few. */
  private static double sondes(Use many, Use few, long bare, long without, long connections) {
    return (double) (many.kernelBytes - without - (few.kernelBytes - bare)) / (2 * connections);
  }

  /** Pairs of processes with a part of the connections each. */
  private record Holders(
      PodCgroup serverPod, PodCgroup clientPod, LossyPair net, String program, List<TcpPeer> all)
      implements AutoCloseable {
    Holders(PodCgroup serverPod, PodCgroup clientPod, LossyPair net, String program) {
      this(serverPod, clientPod, net, program, new ArrayList<>());
    }

    void hold(long connections) {
      long began = System.nanoTime();
      for (long made = 0; made < connections; made += EACH) {
        TcpPeer server = peer(serverPod, net, program, "serve", "0.0.0.0", "leak");
        all.add(server);
        pair(Long.toString(server.answer()), Math.min(EACH, connections - made));
      }
      double took = (System.nanoTime() - began) / 1e9;
      proof("%,d connections made in %.1f s", connections, took);
    }

    private void pair(String port, long connections) {
      TcpPeer client =
          peer(
              clientPod,
              net,
              program,
              "hold",
              "127.1.0.1",
              port,
              Long.toString(connections),
              Integer.toString(ADDRESSES),
              Long.toString(connections / 10));
      all.add(client);
      assertThat(client.answer()).isEqualTo(connections);
    }

    int servers() {
      return all.size() / 2;
    }

    void end() {
      all.forEach(TcpPeer::close);
    }

    @Override
    public void close() {
      end();
    }
  }
}
