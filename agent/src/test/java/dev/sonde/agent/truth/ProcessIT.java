package dev.sonde.agent.truth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sonde.agent.KernelTest;
import dev.sonde.agent.guest.Patience;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Processes and how they ended, against what fork(2) and wait(2) said to their parent. */
@KernelTest
@Timeout(180)
class ProcessIT {
  private static final String STARTED = "sonde_processes_started_total";
  private static final String EXITED = "sonde_processes_exited_total";

  /** Every way to end that wait(2) can tell from another. */
  static final List<String> KINDS =
      List.of(
          "exit0",
          "exit1",
          "exit255",
          "signal1",
          "signal6",
          "signal9",
          "signal11",
          "signal15",
          "signal34",
          "thread-exits",
          "leader-first",
          "all-at-once",
          "thread-execs",
          "killed-threads",
          "double-fork",
          "vfork-exec");

  @TempDir static Path directory;

  /** What a parent saw, or what Sonde counted. */
  record Counts(long started, long ok, long error, long signal) {
    static Counts of(Scrape scrape, PodCgroup pod) {
      return new Counts(
          (long) scrape.sum(STARTED, pod.labels()),
          (long) scrape.sum(EXITED, pod.labels("result", "ok")),
          (long) scrape.sum(EXITED, pod.labels("result", "error")),
          (long) scrape.sum(EXITED, pod.labels("result", "signal")));
    }

    Counts minus(Counts o) {
      return new Counts(started - o.started, ok - o.ok, error - o.error, signal - o.signal);
    }
  }

  /**
   * Runs the program in the pod; comes back when it has waited for all of its children.
   *
   * @param rate processes a second at most; 0: as fast as they come
   */
  static Counts run(Path directory, PodCgroup pod, Path program, String kind, int count, int rate)
      throws IOException {
    Path output = Files.createTempFile(directory, "processes", ".out");
    Process parent =
        pod.start(
            output, program.toString(), kind, Integer.toString(count), Integer.toString(rate));
    await(kind + " to be over")
        .atMost(Patience.seconds(120 + (rate == 0 ? 0 : 2L * count / rate)))
        .until(() -> Files.readString(output).endsWith("\n") || !parent.isAlive());
    String[] said = Files.readString(output).trim().split(" ");
    assertThat(said).as("%s says %s", kind, String.join(" ", said)).hasSize(4);
    return new Counts(
        Long.parseLong(said[0]),
        Long.parseLong(said[1]),
        Long.parseLong(said[2]),
        Long.parseLong(said[3]));
  }

  @ParameterizedTest
  @ValueSource(strings = {"tp_btf", "raw_tp", "tracepoint"})
  void everyKindOfEndIsCountedOnce(String mechanism) throws IOException {
    Path program = Compiled.program(Files.createTempDirectory(directory, "c"), "processes");
    int count = 40;
    List<String> wrong = new ArrayList<>();
    try (TraceFs tracing = TraceFs.mounted();
        AgentProcess agent =
            AgentProcess.start("--probes", "process", "--mechanism", "process=" + mechanism)) {
      assertThat(tracing).isNotNull();
      for (String kind : KINDS) {
        try (PodCgroup pod = PodCgroup.create()) {
          Counts truth = run(directory, pod, program, kind, count, 0);
          Counts counted = Counts.of(agent.fresh(), pod);
          System.out.printf("proof: %s, %s: %s, waited for %s%n", mechanism, kind, counted, truth);
          if (!counted.equals(truth)) {
            wrong.add(kind + ": counted " + counted + ", but there were " + truth);
          }
        }
      }
      assertThat(wrong).isEmpty();
      assertThat(agent.fresh().sum("sonde_events_lost_total")).isZero();
    }
  }

  /** Faster than anything but a storm; nothing may be lost, on one CPU or across them. */
  @Test
  void aForkStormIsCountedExactly() throws IOException {
    Path program = Compiled.program(Files.createTempDirectory(directory, "c"), "processes");
    try (AgentProcess agent = AgentProcess.start("--probes", "process");
        PodCgroup left = PodCgroup.create();
        PodCgroup right = PodCgroup.create()) {
      Path output = Files.createTempFile(directory, "left", ".out");
      Process other = left.start(output, program.toString(), "exit0", "10000", "0");
      Counts truth = run(directory, right, program, "exit3", 10_000, 0);
      await("the other storm")
          .atMost(Duration.ofMinutes(2))
          .until(() -> Files.readString(output).endsWith("\n") || !other.isAlive());
      Scrape scrape = agent.fresh();
      System.out.printf(
          "proof: storm %s and %s; lost %s%n",
          Counts.of(scrape, left),
          Counts.of(scrape, right),
          scrape.samples("sonde_events_lost_total"));
      assertThat(Counts.of(scrape, left)).isEqualTo(new Counts(10_000, 10_000, 0, 0));
      assertThat(Counts.of(scrape, right))
          .isEqualTo(truth)
          .isEqualTo(new Counts(10_000, 0, 10_000, 0));
      assertThat(scrape.sum("sonde_events_lost_total")).isZero();
    }
  }

  /** A process belongs to where it was forked, and its end to where it was by then. */
  @Test
  void aMovedProcessEndsWhereItIs() throws IOException {
    try (AgentProcess agent = AgentProcess.start("--probes", "process");
        PodCgroup from = PodCgroup.create();
        PodCgroup to = PodCgroup.create()) {
      Process shell = from.start("sh", "-c", "sleep 1000 & echo > /dev/null; read line; wait");
      await("its child").until(() -> from.pids().size() == 2);
      long child = from.pids().stream().filter(p -> p != shell.pid()).findFirst().orElseThrow();
      to.move(child);
      Command.run("kill", "-TERM", Long.toString(child));
      await("its end").until(() -> to.pids().isEmpty());
      try (var in = shell.getOutputStream()) {
        in.write("\n".getBytes(StandardCharsets.US_ASCII));
      }
      await("the shell's end").until(() -> !shell.isAlive());
      Scrape scrape = agent.fresh();
      assertThat(Counts.of(scrape, from)).isEqualTo(new Counts(1, 1, 0, 0));
      assertThat(Counts.of(scrape, to)).isEqualTo(new Counts(0, 0, 0, 1));
    }
  }

  /** The kernel's own threads are processes of the unit "kernel", and none of a pod's. */
  @Test
  void theWholeNodeAddsUp() throws IOException {
    try (AgentProcess agent = AgentProcess.start("--probes", "process")) {
      long before = kernelForks();
      Scrape first = agent.fresh();
      for (int i = 0; i < 50; i++) {
        Command.run("/bin/true");
      }
      Scrape last = agent.fresh();
      long after = kernelForks();
      double counted = last.sum(STARTED) - first.sum(STARTED);
      assertThat(counted).isGreaterThanOrEqualTo(50).isLessThanOrEqualTo(after - before);
    }
  }

  /** Threads are among them: an upper bound. */
  private static long kernelForks() throws IOException {
    return Files.readAllLines(Path.of("/proc/stat")).stream()
        .filter(l -> l.startsWith("processes "))
        .mapToLong(l -> Long.parseLong(l.substring(10).trim()))
        .findFirst()
        .orElseThrow();
  }
}
