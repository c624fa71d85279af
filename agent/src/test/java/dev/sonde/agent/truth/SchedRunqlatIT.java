package dev.sonde.agent.truth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Percentage.withPercentage;
import static org.awaitility.Awaitility.await;

import dev.sonde.agent.KernelTest;
import dev.sonde.exporter.grpc.GenericGrpcClient;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * perf bench sched pipe in a pod, seen by Sonde, by libbpf-tools' runqlat and by a bpftrace script
 * at the same time.
 *
 * <p>runqlat prints powers of two of microseconds and no sums: counts and quantiles are compared
 * with it, the latter also for processes that wait for milliseconds, and the sum with the script,
 * which has runqlat's definition.
 *
 * <p>A wait of the benchmark is a few microseconds, and a program that runs after others at the
 * same hook reads its clock later: at sched_switch later than at sched_wakeup, by 0.3 us here. So
 * the script runs twice, before Sonde's programs and after them, and Sonde is compared with the
 * mean.
 */
@KernelTest
@Timeout(120)
class SchedRunqlatIT {
  private static final String SCRIPT =
      """
      tracepoint:sched:sched_wakeup, tracepoint:sched:sched_wakeup_new { @queued[args->pid] = nsecs; }
      tracepoint:sched:sched_switch {
        if (args->prev_state == 0 || args->prev_state & 256) { @queued[args->prev_pid] = nsecs; }
        $t = @queued[args->next_pid];
        if ($t != 0) {
          @waited[args->next_pid] += nsecs - $t;
          @waits[args->next_pid] += 1;
          delete(@queued[args->next_pid]);
        }
      }
      BEGIN { printf("ready\\n"); }
      END { clear(@queued); }
      """;

  @TempDir Path dir;

  /** A script whose programs run before or after Sonde's: in the order of their attachment. */
  private Tool script(String name) {
    Tool script = Tool.start(dir.resolve(name), "bpftrace", "-e", SCRIPT);
    await("bpftrace").atMost(Duration.ofSeconds(30)).until(() -> script.output().contains("ready"));
    return script;
  }

  @Test
  void pipeBenchmark() throws IOException, InterruptedException {
    try (TraceFs tracefs = TraceFs.mounted();
        Tool before = script("before");
        AgentProcess agent = AgentProcess.start("--probes", "sched");
        Tool after = script("after");
        Tool runqlat = Tool.start(dir.resolve("runqlat"), "runqlat", "-P", "1000", "1");
        PodCgroup pod = PodCgroup.create();
        PodCgroup crowd = PodCgroup.create()) {
      assertThat(tracefs).isNotNull();
      await("runqlat").atMost(Duration.ofSeconds(30)).until(() -> runqlat.attachedPrograms() >= 3);

      Process bench = pod.start("perf", "bench", "sched", "pipe", "-l", "60000");
      Set<Long> pids = new TreeSet<>();
      while (!bench.waitFor(20, TimeUnit.MILLISECONDS)) {
        pids.addAll(pod.pids());
      }
      Set<Long> hogs = takeTurns(crowd);
      SchedSums sonde = SchedSums.of(agent.fresh(), pod);
      NativeBuckets ofPipe = buckets(agent, pod);
      NativeBuckets ofHogs = buckets(agent, crowd);
      String first = before.interrupt();
      String last = after.interrupt();
      String histograms = runqlat.interrupt();

      double scriptSeconds = (total(first, "waited", pids) + total(last, "waited", pids)) / 2e9;
      double scriptWaits = total(first, "waits", pids);
      long[] theirs = runqlatSlots(histograms, pids);
      long runqlatWaits = Stream.of(theirs).flatMapToLong(Arrays::stream).sum();
      System.out.printf(
          "runqlat's definition, script before %.6f s, after %.6f s%n",
          total(first, "waited", pids) / 1e9, total(last, "waited", pids) / 1e9);
      System.out.printf(
          "perf bench sched pipe: sonde %.6f s in %.0f waits; bpftrace %.6f s in %.0f (%+.2f%%,"
              + " %+.2f%%); runqlat %d waits (%+.2f%%)%n",
          sonde.waited(),
          sonde.waits(),
          scriptSeconds,
          scriptWaits,
          100 * (sonde.waited() / scriptSeconds - 1),
          100 * (sonde.waits() / scriptWaits - 1),
          runqlatWaits,
          100 * (sonde.waits() / runqlatWaits - 1));
      assertThat(sonde.waits()).isGreaterThan(50_000);
      assertThat(sonde.waits()).as("waits, bpftrace").isCloseTo(scriptWaits, withPercentage(5));
      assertThat(sonde.waits()).as("waits, runqlat").isCloseTo(runqlatWaits, withPercentage(5));
      assertThat(sonde.waited()).as("sum, bpftrace").isCloseTo(scriptSeconds, withPercentage(5));
      assertSameQuantiles("pipe", ofPipe, theirs);
      assertSameQuantiles("busy processes", ofHogs, runqlatSlots(histograms, hogs));
    }
  }

  /** Busy processes on one CPU, each of which waits while the others run. */
  private static Set<Long> takeTurns(PodCgroup pod) {
    List<Worker> hogs = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      hogs.add(Worker.hog(pod, Runtime.getRuntime().availableProcessors() - 1));
    }
    hogs.forEach(Worker::go);
    await("turns")
        .atMost(Duration.ofSeconds(60))
        .until(() -> hogs.stream().mapToLong(h -> h.books().slices()).sum() > 400);
    hogs.forEach(Worker::halt);
    return hogs.stream().map(Worker::pid).collect(Collectors.toSet());
  }

  /** All waits of the pod, whatever their reason. */
  private static NativeBuckets buckets(AgentProcess agent, PodCgroup pod) {
    await("gRPC").atMost(Duration.ofSeconds(60)).until(() -> agent.log().contains("agent started"));
    try (GenericGrpcClient client = GenericGrpcClient.connect("127.0.0.1", agent.grpcPort())) {
      return NativeBuckets.sum(client, "sonde_sched_run_queue_seconds", pod);
    }
  }

  /** The sum of {@code @name[pid]: value} over the pids. */
  private static double total(String output, String name, Set<Long> pids) {
    double total = 0;
    Matcher m = Pattern.compile("@" + name + "\\[(\\d+)]: (\\d+)").matcher(output);
    while (m.find()) {
      if (pids.contains(Long.parseLong(m.group(1)))) {
        total += Double.parseDouble(m.group(2));
      }
    }
    return total;
  }

  /** Counts by power of two of microseconds, slot k from 2^k us (slot 0 from 0). */
  private static long[] runqlatSlots(String output, Set<Long> pids) {
    long[] slots = new long[64];
    Pattern head = Pattern.compile("pid = (\\d+).*");
    Pattern row = Pattern.compile("\\s*(\\d+) -> (\\d+)\\s*: (\\d+).*");
    boolean wanted = false;
    for (String line : output.split("\n")) {
      Matcher h = head.matcher(line);
      Matcher r = row.matcher(line);
      if (h.matches()) {
        wanted = pids.contains(Long.parseLong(h.group(1)));
      } else if (wanted && r.matches()) {
        long from = Long.parseLong(r.group(1));
        slots[from == 0 ? 0 : 63 - Long.numberOfLeadingZeros(from)] += Long.parseLong(r.group(3));
      }
    }
    return slots;
  }

  /** Half, 90% and 99% of the waits: at most one of runqlat's buckets apart. */
  private static void assertSameQuantiles(String what, NativeBuckets ours, long[] theirs) {
    for (double q : new double[] {0.5, 0.9, 0.99}) {
      double micros = ours.bound(q) * 1e6;
      int slot = micros < 1 ? 0 : Math.getExponent(micros);
      int expected = slot(theirs, q);
      System.out.printf(
          "proof: %s: %.0f%% of %d waits up to %.1f us; of runqlat's %d up to %.0f us%n",
          what,
          100 * q,
          ours.count(),
          micros,
          Arrays.stream(theirs).sum(),
          Math.scalb(1.0, expected + 1));
      assertThat(slot).as("%s, quantile %s", what, q).isBetween(expected - 1, expected + 1);
    }
  }

  /** The slot of runqlat's that the quantile is in. */
  private static int slot(long[] slots, double q) {
    double rank = q * Arrays.stream(slots).sum();
    long up = 0;
    for (int i = 0; i < slots.length; i++) {
      up += slots[i];
      if (up > 0 && up >= rank) {
        return i;
      }
    }
    throw new AssertionError("runqlat has no waits of these processes");
  }
}
