package dev.sonde.agent.truth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sonde.agent.guest.Patience;
import dev.sonde.agent.probe.ProbesInProcess;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * For each probe something that happens a known number of times, and how often the attached
 * mechanism saw it. On a machine where nothing else happens: a guest.
 */
final class Stimuli {
  private static final int PROCESSES = 20;
  private static final int TURNS = 10;
  private static final long MIB = 1 << 20;

  private Stimuli() {}

  /** Made and removed: two events each. */
  static void cgroups(ProbesInProcess probes) throws IOException {
    try (PodCgroup pod = PodCgroup.create()) {
      double before = new Scrape(probes.read()).sum("sonde_events_written_total");
      for (int i = 0; i < TURNS; i++) {
        Path child = pod.directory().resolve("child");
        Files.createDirectory(child);
        Files.delete(child);
      }
      assertThat(new Scrape(probes.read()).sum("sonde_events_written_total") - before)
          .as("events of cgroups")
          .isEqualTo(2 * TURNS);
    }
  }

  /** A shell's children: the shell itself was forked elsewhere, and ends here. */
  static void processes(ProbesInProcess probes) throws InterruptedException {
    try (PodCgroup pod = PodCgroup.create()) {
      String turns = " " + "x ".repeat(PROCESSES);
      Process shell = pod.start("sh", "-c", "for i in" + turns + "; do /bin/true; done; exit 3");
      assertThat(shell.waitFor()).isEqualTo(3);
      Scrape scrape = new Scrape(probes.read());
      assertThat(scrape.sum("sonde_processes_started_total", pod.labels()))
          .as("started")
          .isEqualTo(PROCESSES);
      assertThat(scrape.sum("sonde_processes_exited_total", pod.labels()))
          .as("exited")
          .isEqualTo(PROCESSES + 1.0);
    }
  }

  /** Reads a file that is much larger than the limit, and than what the JVM has of it in memory. */
  static void reclaim(ProbesInProcess probes) throws InterruptedException {
    Path large = Path.of(System.getProperty("java.home"), "lib", "modules");
    try (PodCgroup pod = PodCgroup.create();
        MemoryCgroup memory = MemoryCgroup.limit(pod, 8 * MIB)) {
      String[] command = {"sh", "-c", memory.join() + "cat " + large + " > /dev/null"};
      long begun = System.nanoTime();
      assertThat(pod.start(command).waitFor()).isZero();
      double elapsed = (System.nanoTime() - begun) / 1e9;
      double seconds =
          new Scrape(probes.read()).sum("sonde_memory_reclaim_seconds_total", pod.labels());
      TcpMoved.proof("%s reclaim: %.4f s in %.4f s", Expected.GUEST, seconds, elapsed);
      assertThat(seconds).as("reclaim").isPositive().isLessThan(elapsed);
    }
  }

  /** tail keeps the one endless line that it is given. */
  static void oomKills(ProbesInProcess probes) throws InterruptedException {
    try (PodCgroup pod = PodCgroup.create();
        MemoryCgroup memory = MemoryCgroup.limit(pod, 16 * MIB)) {
      long before = memory.oomKills();
      pod.start("sh", "-c", memory.join() + "tail /dev/zero; tail /dev/zero; exit 0").waitFor();
      long truth = memory.oomKills() - before;
      assertThat(truth).as("kills by the memory cgroup's own count").isEqualTo(2);
      assertThat(new Scrape(probes.read()).sum("sonde_oom_kills_total", pod.labels()))
          .isEqualTo(truth);
    }
  }

  /** A server's exec, listen, accept and first byte, in this order and within the time it took. */
  static void start(ProbesInProcess probes, String mechanism) throws IOException {
    try (PodCgroup pod = PodCgroup.create()) {
      long begun = System.nanoTime();
      pod.start("/bin/busybox", "nc", "-l", "-p", "7101", "-e", "/bin/cat");
      await("the server to listen")
          .atMost(Patience.seconds(5))
          .until(() -> Command.run("ss", "-Hltn").contains(":7101"));
      try (Socket client = new Socket(InetAddress.getLoopbackAddress(), 7101)) {
        client.getOutputStream().write('x');
        assertThat(client.getInputStream().read()).isEqualTo('x');
        Scrape scrape = new Scrape(probes.read());
        double elapsed = (System.nanoTime() - begun) / 1e9;
        List<Double> phases =
            List.of("listen", "accept", "first_byte").stream()
                .map(p -> scrape.sum("sonde_container_start_seconds", pod.labels("phase", p)))
                .toList();
        TcpMoved.proof(
            "%s container_start=%s: %s within %.3f s", Expected.GUEST, mechanism, phases, elapsed);
        assertThat(phases).as("listen, accept, first byte").isSorted();
        assertThat(phases.getFirst()).as("listen").isPositive();
        assertThat(phases.getLast()).as("first byte").isLessThan(elapsed);
      }
    }
  }

  /** One end resets the connection: one sent, one received. */
  static void resets(ProbesInProcess probes) throws IOException {
    Scrape before = new Scrape(probes.read());
    for (int i = 0; i < TURNS; i++) {
      Loopback.connect().reset();
    }
    Scrape after = new Scrape(probes.read());
    for (String direction : List.of("sent", "received")) {
      String[] labels = {"direction", direction};
      assertThat(
              after.sum("sonde_tcp_resets_total", labels)
                  - before.sum("sonde_tcp_resets_total", labels))
          .as(direction)
          .isEqualTo(TURNS);
    }
  }

  /** One connection's round trip is looked at once in a while, not at each acknowledgement. */
  static void roundTrips(ProbesInProcess probes) throws IOException, InterruptedException {
    timed(probes, "sonde_tcp_rtt_seconds", 1, 2 * TURNS, 50);
  }

  /** Every message is acknowledged. */
  static void sendToAck(ProbesInProcess probes) throws IOException, InterruptedException {
    timed(probes, "sonde_tcp_send_ack_seconds", TURNS, TURNS, 0);
  }

  /** Each message lies in the queue until it is read. */
  static void receiveWaits(ProbesInProcess probes) throws IOException, InterruptedException {
    timed(probes, "sonde_tcp_receive_wait_seconds", TURNS, TURNS, 0);
  }

  /** A connection waits as long as its maker takes from connect() to accept(). */
  static void accepts(ProbesInProcess probes) throws IOException {
    String metric = "sonde_tcp_accept_wait_seconds";
    Scrape before = new Scrape(probes.read());
    long begun = System.nanoTime();
    for (int i = 0; i < TURNS; i++) {
      Loopback.connect().close();
    }
    double elapsed = (System.nanoTime() - begun) / 1e9;
    Scrape after = new Scrape(probes.read());
    double seconds = after.sum(metric + "_sum") - before.sum(metric + "_sum");
    TcpMoved.proof("%s %s: %.6f s within %.6f s", Expected.GUEST, metric, seconds, elapsed);
    assertThat(after.sum(metric + "_count") - before.sum(metric + "_count"))
        .as("accepts")
        .isEqualTo(TURNS);
    assertThat(seconds).as("seconds").isPositive().isLessThan(elapsed);
  }

  /** A listener, which has a census of half-made connections, of which there are none. */
  static void listens(ProbesInProcess probes) throws IOException {
    String[] halfMade = {"state", "syn_recv"};
    assertThat(new Scrape(probes.read()).samples("sonde_tcp_connections", halfMade)).isEmpty();
    try (ServerSocket listener = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      assertThat(listener.isBound()).isTrue();
      assertThat(new Scrape(probes.read()).samples("sonde_tcp_connections", halfMade)).isNotEmpty();
    }
  }

  private static void timed(ProbesInProcess probes, String metric, int least, int most, long pause)
      throws IOException, InterruptedException {
    try (Loopback pair = Loopback.connect()) {
      pair.move(1);
      Scrape before = new Scrape(probes.read());
      long begun = System.nanoTime();
      for (int i = 0; i < TURNS; i++) {
        Thread.sleep(pause);
        pair.move(1000);
      }
      double elapsed = (System.nanoTime() - begun) / 1e9;
      Scrape after = new Scrape(probes.read());
      double count = after.sum(metric + "_count") - before.sum(metric + "_count");
      double seconds = after.sum(metric + "_sum") - before.sum(metric + "_sum");
      TcpMoved.proof(
          "%s %s: %.0f of %d, %.6f s in %.6f s",
          Expected.GUEST, metric, count, TURNS, seconds, elapsed);
      assertThat(count).as("observations").isBetween((double) least, (double) most);
      assertThat(seconds).as("seconds").isPositive();
    }
  }
}
