package dev.sonde.agent.truth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.data.Percentage.withPercentage;
import static org.awaitility.Awaitility.await;

import dev.sonde.agent.KernelTest;
import dev.sonde.agent.guest.Patience;
import dev.sonde.agent.truth.Worker.Books;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Switches, moves, missed deadlines and blocked time, against the kernel's own counts. */
@KernelTest
@Timeout(180)
class SchedCountsIT {
  private static final int CPUS = Runtime.getRuntime().availableProcessors();
  private static final int CPU = CPUS - 1;
  private static final String SWITCHES = "sonde_sched_switches_total";
  private static final String MIGRATIONS = "sonde_sched_migrations_total";
  private static final String MISSES = "sonde_sched_deadline_misses_total";

  /** perf bench sched messaging -g 50: 20 senders and 20 receivers each. */
  private static final double THREADS = 2000;

  @TempDir Path dir;

  /** proc(5) does not have it; kernel/sched/debug.c: proc_sched_show_task. */
  private static long migrations(long pid) {
    try {
      for (String line : Files.readAllLines(Path.of("/proc/" + pid + "/sched"))) {
        if (line.startsWith("se.nr_migrations")) {
          return Long.parseLong(line.substring(line.indexOf(':') + 1).strip());
        }
      }
    } catch (IOException e) {
      throw new AssertionError("read /proc/" + pid + "/sched", e);
    }
    throw new AssertionError("no nr_migrations in /proc/" + pid + "/sched");
  }

  @ParameterizedTest
  @ValueSource(strings = {"tp_btf", "tp_btf_hash", "raw_tp", "tracepoint"})
  void switchesAndMovesAreTheKernelsOwn(String mechanism) {
    try (TraceFs tracefs = TraceFs.mounted();
        AgentProcess agent =
            AgentProcess.start("--probes", "sched", "--mechanism", "sched=" + mechanism);
        PodCgroup pod = PodCgroup.create()) {
      Worker worker =
          Worker.halted(
              pod,
              "perl",
              "-MTime::HiRes=clock,sleep",
              "-e",
              "while (1) { my $end = clock() + 0.002; 1 while clock() < $end; sleep 0.001 }");
      Worker hog = Worker.hog(pod, CPU);
      Books before = worker.books().plus(hog.books());
      long movedBefore = migrations(worker.pid()) + migrations(hog.pid());
      Scrape first = agent.fresh();
      hog.go();
      worker.go();
      for (int i = 0; i < 30; i++) {
        // a turn on the new CPU before the next move: moved twice before its turn counts once
        Command.run("taskset", "-cp", Integer.toString(i % CPUS), Long.toString(worker.pid()));
        long slices = worker.books().slices();
        await("a turn")
            .atMost(Patience.seconds(30))
            .pollInterval(Duration.ofMillis(2))
            .until(() -> worker.books().slices() > slices + 1);
      }
      await("600 switches")
          .atMost(Patience.seconds(60))
          .until(
              () -> {
                Books b = worker.books();
                return b.voluntary() + b.involuntary() > 600;
              });
      worker.halt();
      hog.halt();
      Books kernel = worker.books().plus(hog.books()).minus(before);
      long moved = migrations(worker.pid()) + migrations(hog.pid()) - movedBefore;
      Scrape last = agent.fresh();
      double voluntary = delta(first, last, SWITCHES, pod.labels("kind", "voluntary"));
      double involuntary = delta(first, last, SWITCHES, pod.labels("kind", "involuntary"));
      double migrations = delta(first, last, MIGRATIONS, pod.labels());
      System.out.printf(
          "proof: %s: voluntary %.0f, status %d; involuntary %.0f, status %d; moves %.0f,"
              + " /proc/P/sched %d%n",
          mechanism,
          voluntary,
          kernel.voluntary(),
          involuntary,
          kernel.involuntary(),
          migrations,
          moved);
      assertThat(voluntary).isCloseTo(kernel.voluntary(), within(2.0));
      assertThat(involuntary).isCloseTo(kernel.involuntary(), within(2.0));
      assertThat(migrations).isCloseTo(moved, within(2.0));
      if (CPUS > 1) {
        assertThat(moved).isGreaterThan(20);
      }
      assertThat(tracefs).isNotNull();
    }
  }

  private static double delta(Scrape first, Scrape last, String name, String... labels) {
    return last.sum(name, labels) - first.sum(name, labels);
  }

  /**
   * Two witnesses: the histogram, where the threshold is the bound of a bucket, and ftrace, whose
   * clock is read a few microseconds apart: waits that close to a threshold may fall on either
   * side.
   */
  @Test
  void missedDeadlinesAreExact() {
    // 2^-13 s, 2^-10 s and 2^-6 s are bounds of buckets
    String deadlines = "122070ns,976562ns,15625us,5ms";
    try (TraceFs tracefs = TraceFs.mounted();
        AgentProcess agent =
            AgentProcess.start("--probes", "sched", "--sched-deadlines", deadlines);
        PodCgroup pod = PodCgroup.create()) {
      List<Worker> workers = List.of(Worker.hog(pod, CPU), Worker.hog(pod, CPU));
      Scrape first = agent.fresh();
      try (SwitchTrace trace = SwitchTrace.start()) {
        workers.forEach(Worker::go);
        await("both to run for a second")
            .atMost(Patience.seconds(60))
            .until(() -> workers.stream().allMatch(w -> w.books().onCpu() > 1));
        workers.forEach(Worker::halt);
        trace.stop();
        Scrape last = agent.fresh();
        List<Double> waits = workers.stream().flatMap(w -> trace.waits(w.pid()).stream()).toList();
        // what was not traced for Sonde was not traced for the witness either, but made up for
        double missed = delta(first, last, "sonde_events_lost_total", "where", "missed_switch");
        double counted = 0;
        for (String[] d :
            new String[][] {
              {"122us70ns", "0.0001220703125"},
              {"976us562ns", "0.0009765625"},
              {"15ms625us", "0.015625"},
              {"5ms", null}
            }) {
          double misses = delta(first, last, MISSES, pod.labels("threshold", d[0]));
          double seconds = d[1] == null ? 0.005 : Double.parseDouble(d[1]);
          long least = waits.stream().filter(w -> w > seconds + 30e-6).count();
          long most = waits.stream().filter(w -> w > seconds - 30e-6).count();
          System.out.printf(
              "proof: waits longer than %s: %.0f; trace %d to %d of %d%n",
              d[0], misses, least, most, waits.size());
          assertThat(misses).as(d[0]).isBetween(least - missed, most + missed);
          if (d[1] != null) {
            String bucket = "sonde_sched_run_queue_seconds_bucket";
            double above =
                delta(first, last, bucket, pod.labels("le", "+Inf"))
                    - delta(first, last, bucket, pod.labels("le", d[1]));
            assertThat(misses).as("histogram above %s", d[1]).isEqualTo(above);
          }
          counted += misses;
        }
        assertThat(counted).isPositive();
      }
      assertThat(tracefs).isNotNull();
    }
  }

  @Test
  void knownSleepsAreBlockedTime() throws IOException, InterruptedException {
    try (AgentProcess agent = AgentProcess.start("--probes", "sched");
        PodCgroup pod = PodCgroup.create()) {
      Path out = dir.resolve("slept");
      Process sleeper =
          pod.start(
              out,
              "perl",
              "-MTime::HiRes=time,sleep",
              "-e",
              "my $s = 0; for (1..200) { my $t = time; sleep 0.01; $s += time - $t } print $s");
      assertThat(sleeper.waitFor(60, TimeUnit.SECONDS)).isTrue();
      Scrape last = agent.fresh();
      double slept = Double.parseDouble(Files.readString(out));
      String name = "sonde_sched_off_cpu_seconds";
      double blocked = last.sum(name + "_sum", pod.labels("kind", "sleep"));
      double count = last.sum(name + "_count", pod.labels("kind", "sleep"));
      double within16 =
          last.sum(name + "_bucket", pod.labels("kind", "sleep", "le", "0.015625"))
              - last.sum(name + "_bucket", pod.labels("kind", "sleep", "le", "0.00390625"));
      double waited = last.sum("sonde_sched_run_queue_seconds_sum", pod.labels("reason", "wakeup"));
      System.out.printf(
          "proof: 200 sleeps of 10 ms: blocked %.6f s in %.0f, then waited %.6f s; the program"
              + " measured %.6f s%n",
          blocked, count, waited, slept);
      assertThat(blocked).isGreaterThanOrEqualTo(2.0).isLessThan(slept + 0.02);
      assertThat(blocked + waited).isCloseTo(slept, withPercentage(2));
      assertThat(count).isBetween(199.0, 215.0);
      assertThat(within16).isBetween(195.0, 215.0);
    }
  }

  /**
   * Reads past the page cache: the trace's state D is another field than the kernel's in_iowait.
   */
  @Test
  void directReadsAreIo() throws InterruptedException {
    Path file = Path.of("target", "direct-" + ProcessHandle.current().pid());
    try (TraceFs tracefs = TraceFs.mounted();
        AgentProcess agent = AgentProcess.start("--probes", "sched");
        PodCgroup pod = PodCgroup.create()) {
      Command.run("dd", "if=/dev/zero", "of=" + file, "bs=1M", "count=16", "conv=fsync");
      // halted until it is in its cgroup: to move there is itself a wait in state D
      Process reader =
          pod.start(
              "sh",
              "-c",
              "kill -STOP $$; exec dd if=" + file + " of=/dev/null iflag=direct bs=4k count=2000");
      await("the reader to stop")
          .until(
              () -> Files.readString(Path.of("/proc/" + reader.pid() + "/stat")).contains(") T"));
      SwitchTrace trace = SwitchTrace.start();
      Command.run("kill", "-CONT", Long.toString(reader.pid()));
      assertThat(reader.waitFor(60, TimeUnit.SECONDS)).isTrue();
      trace.stop();
      double truth = trace.blocked(reader.pid(), "D");
      trace.close();
      Scrape last = agent.fresh();
      double io = last.sum("sonde_sched_off_cpu_seconds_sum", pod.labels("kind", "io"));
      double count = last.sum("sonde_sched_off_cpu_seconds_count", pod.labels("kind", "io"));
      System.out.printf(
          "proof: 2,000 direct reads: io %.6f s in %.0f, trace %.6f s (%+.2f%%)%n",
          io, count, truth, 100 * (io / truth - 1));
      assertThat(count).isGreaterThan(500);
      // 2 us a read: the witness' hook reads its clock later than Sonde's
      assertThat(io).isCloseTo(truth, within(0.05 * truth + 2e-6 * count));
      assertThat(tracefs).isNotNull();
    } finally {
      assertThat(file.toFile().delete()).isTrue();
    }
  }

  /** perf stat counts for all threads that the benchmark starts: 2,000 of them. */
  @Test
  void twoThousandThreads() throws IOException, InterruptedException {
    Path stat = dir.resolve("stat");
    try (AgentProcess agent = AgentProcess.start("--probes", "sched");
        PodCgroup pod = PodCgroup.create()) {
      Process bench =
          pod.start(
              "perf",
              "stat",
              "-x",
              ";",
              "-o",
              stat.toString(),
              "-e",
              "migrations,context-switches",
              "perf",
              "bench",
              "sched",
              "messaging",
              "-t",
              "-g",
              "50",
              "-l",
              "20");
      assertThat(bench.waitFor(120, TimeUnit.SECONDS)).isTrue();
      assertThat(bench.exitValue()).isZero();
      Scrape last = agent.fresh();
      double switches = last.sum(SWITCHES, pod.labels());
      double moves = last.sum(MIGRATIONS, pod.labels());
      // a thread's last switch, when it is dead, comes after perf has let go of it
      double theirs = perf(stat, "context-switches") + THREADS;
      double theirMoves = perf(stat, "migrations");
      double storage = last.sum("sonde_events_lost_total", "where", "storage");
      System.out.printf(
          "proof: 2,000 threads: %.0f switches, perf stat %.0f (%+.2f%%); %.0f moves, perf stat"
              + " %.0f; lost %.0f%n",
          switches, theirs, 100 * (switches / theirs - 1), moves, theirMoves, storage);
      assertThat(theirs).isGreaterThan(2 * THREADS);
      assertThat(switches).isCloseTo(theirs, withPercentage(5));
      assertThat(moves).isCloseTo(theirMoves, within(20 + 0.05 * theirMoves));
      assertThat(storage).isZero();
    }
  }

  private static double perf(Path stat, String event) throws IOException {
    for (String line : Files.readAllLines(stat)) {
      String[] f = line.split(";");
      if (f.length > 2 && f[2].equals(event)) {
        return Double.parseDouble(f[0]);
      }
    }
    throw new AssertionError("no " + event + " in " + Files.readString(stat));
  }
}
