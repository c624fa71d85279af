package dev.sonde.agent.truth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.data.Percentage.withPercentage;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.sonde.agent.KernelTest;
import dev.sonde.agent.truth.Worker.Books;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Run-queue waits and CPU time of a pod against /proc/P/schedstat and /proc/P/status. */
@KernelTest
@Timeout(120)
class SchedStatIT {
  /** Not CPU 0, which has most of the interrupts, where there is another. */
  private static final int CPU = Runtime.getRuntime().availableProcessors() - 1;

  private static final int HOGS = 4;

  private static Books books(List<Worker> workers) {
    return workers.stream().map(Worker::books).reduce(Books.NONE, Books::plus);
  }

  /** What the kernel and Sonde say that the workers did while they were let run. */
  private record Run(Books kernel, SchedSums sonde, double stolen) {
    static Run of(AgentProcess agent, PodCgroup pod, List<Worker> workers, double cpuSeconds) {
      double stolenBefore = StolenTime.seconds(CPU);
      Books before = books(workers);
      SchedSums first = SchedSums.of(agent.fresh(), pod);
      workers.forEach(Worker::go);
      await("the workers to use " + cpuSeconds + " s of CPU")
          .atMost(Duration.ofSeconds(60))
          .pollInterval(Duration.ofMillis(50))
          .until(() -> books(workers).minus(before).onCpu() >= cpuSeconds);
      workers.forEach(Worker::halt);
      Books after = books(workers);
      SchedSums last = SchedSums.of(agent.fresh(), pod);
      assertThat(books(workers)).as("nothing ran meanwhile").isEqualTo(after);
      double stolen = StolenTime.seconds(CPU) - stolenBefore;
      return new Run(after.minus(before), last.minus(first), stolen);
    }

    void print(String what) {
      System.out.printf(
          "%s: waited %.6f s, schedstat %.6f s (%+.3f%%); on CPU %.6f s, schedstat %.6f s"
              + " (%+.3f%%); waits %.0f, schedstat %d; mean wait %.0f us%n",
          what,
          sonde.waited(),
          kernel.waited(),
          100 * (sonde.waited() / kernel.waited() - 1),
          sonde.onCpu(),
          kernel.onCpu(),
          100 * (sonde.onCpu() / kernel.onCpu() - 1),
          sonde.waits(),
          kernel.slices(),
          1e6 * kernel.waited() / kernel.slices());
    }

    void assertEqual() {
      assertThat(sonde.waited()).as("waited").isCloseTo(kernel.waited(), withPercentage(1));
      // a task is on its CPU also while the hypervisor runs something else there; schedstat leaves
      // that out
      assertThat(sonde.onCpu())
          .as("on CPU, %.3f s of it stolen", stolen)
          .isBetween(0.99 * kernel.onCpu(), 1.01 * kernel.onCpu() + stolen + StolenTime.TICK);
      assertThat(sonde.waits())
          .as("waits")
          .isCloseTo(kernel.slices(), within(2.0 + kernel.slices() / 100.0));
    }
  }

  /** Every rung counts the same; the first is the one that this kernel gets by itself. */
  @ParameterizedTest
  @ValueSource(strings = {"tp_btf", "tp_btf_hash", "raw_tp", "tracepoint"})
  void busyProcessesOnOneCpu(String mechanism) {
    try (TraceFs tracefs = TraceFs.mounted();
        AgentProcess agent = AgentProcess.start("--mechanism", "sched=" + mechanism);
        PodCgroup pod = PodCgroup.create()) {
      assertThat(agent.scrape().sum("sonde_probe_up", "probe", "sched", "mechanism", mechanism))
          .as("%s holds; %s", mechanism, agent.log())
          .isEqualTo(1);
      List<Worker> hogs = new ArrayList<>();
      for (int i = 0; i < HOGS; i++) {
        hogs.add(Worker.hog(pod, CPU));
      }
      Run run = Run.of(agent, pod, hogs, 1.5);
      run.print("schedstat, " + HOGS + " processes on one CPU, " + mechanism);
      assertThat(run.kernel().waited() / run.kernel().slices())
          .as("mean wait: a shorter one compares clocks, not Sonde")
          .isGreaterThan(100e-6);
      run.assertEqual();
      assertThat(tracefs).isNotNull();
    }
  }

  /**
   * Records stand at a place by the last 14 bits of a pid: who has it, who finds it taken, and who
   * comes after them under the pid of the first.
   */
  @Test
  void tasksWhosePidsShareTheirLastBits() throws IOException {
    assumeTrue(Pids.canBeChosen(), "this kernel does not let the next pid be chosen");
    try (AgentProcess agent = AgentProcess.start("--probes", "sched");
        PodCgroup pod = PodCgroup.create()) {
      Worker first = Worker.hog(pod, CPU);
      Worker second = Pids.start(first.pid() ^ 1 << 14, () -> Worker.hog(pod, CPU));
      Run both = Run.of(agent, pod, List.of(first, second), 0.5);
      both.print("proof: two pids with the same last 14 bits");
      both.assertEqual();
      first.end();
      Worker third = Pids.start(first.pid(), () -> Worker.hog(pod, CPU));
      Run again = Run.of(agent, pod, List.of(second, third), 0.5);
      again.print("proof: the pid of the first again");
      again.assertEqual();
    }
  }

  /** It is switched to once and then runs: what no sched_switch would ever tell. */
  @Test
  void aLoneHogIsSeenRunningAtEverySnapshot() {
    try (AgentProcess agent = AgentProcess.start();
        PodCgroup pod = PodCgroup.create()) {
      // real-time: nothing else of this machine takes the CPU from it
      RealTime.allow(pod);
      Worker hog =
          Worker.halted(
              pod,
              "chrt",
              "-f",
              "1",
              "taskset",
              "-c",
              Integer.toString(CPU),
              "sh",
              "-c",
              "while :; do :; done");
      Books before = hog.books();
      SchedSums first = SchedSums.of(agent.fresh(), pod);
      hog.go();
      List<Double> seen = new ArrayList<>();
      List<Long> slices = new ArrayList<>();
      for (int i = 0; i < 10; i++) {
        Scrape next = agent.fresh();
        seen.add(SchedSums.of(next, pod).onCpu());
        slices.add(hog.books().slices());
      }
      hog.halt();
      Books kernel = hog.books().minus(before);
      SchedSums sonde = SchedSums.of(agent.fresh(), pod).minus(first);
      long still = 0;
      for (int i = 1; i < slices.size(); i++) {
        if (slices.get(i).equals(slices.get(i - 1))) {
          still++;
        }
      }
      System.out.printf(
          "lone hog: on CPU %.6f s, schedstat %.6f s (%+.3f%%); %d of %d looks without a switch"
              + " in between, every one saw it move%n",
          sonde.onCpu(),
          kernel.onCpu(),
          100 * (sonde.onCpu() / kernel.onCpu() - 1),
          still,
          slices.size() - 1);
      assertThat(seen).isSorted().doesNotHaveDuplicates();
      assertThat(still).as("looks between which it was not switched").isPositive();
      assertThat(sonde.onCpu()).isCloseTo(kernel.onCpu(), withPercentage(1));
    }
  }

  /** A wait ends each switch-in; why it began is what made the task leave the CPU before. */
  @Test
  void aSleepersWaitsAreWakeupsAndABusyPairsArePreemptions() {
    try (AgentProcess agent = AgentProcess.start();
        PodCgroup sleepers = PodCgroup.create();
        PodCgroup busy = PodCgroup.create()) {
      Worker sleeper =
          Worker.halted(
              sleepers, "bash", "-c", "exec 3<> <(:); while :; do read -r -t 0.002 -u 3; done");
      List<Worker> pair = List.of(Worker.hog(busy, CPU), Worker.hog(busy, CPU));
      Books before = sleeper.books();
      SchedSums first = SchedSums.of(agent.fresh(), sleepers);
      sleeper.go();
      Run run = Run.of(agent, busy, pair, 1);
      sleeper.halt();
      Books kernel = sleeper.books().minus(before);
      SchedSums sonde = SchedSums.of(agent.fresh(), sleepers).minus(first);
      System.out.printf(
          "reasons: sleeper %.0f wakeups (voluntary switches %d), %.0f preemptions (involuntary"
              + " %d); pair %.0f preemptions (involuntary %d), %.0f wakeups (voluntary %d)%n",
          sonde.wakeups(),
          kernel.voluntary(),
          sonde.preemptions(),
          kernel.involuntary(),
          run.sonde().preemptions(),
          run.kernel().involuntary(),
          run.sonde().wakeups(),
          run.kernel().voluntary());
      assertReasons(sonde, kernel, 1);
      assertReasons(run.sonde(), run.kernel(), pair.size());
      assertThat(kernel.voluntary()).isGreaterThan(5 * kernel.involuntary());
      assertThat(run.kernel().involuntary()).isGreaterThan(5 * run.kernel().voluntary());
    }
  }

  /**
   * But for the stop itself, whose switch is a start or an end of the books, to the one; 1% for
   * guests whose init keeps its interrupts' wake-ups from being traced.
   */
  private static void assertReasons(SchedSums sonde, Books kernel, int tasks) {
    assertThat(sonde.wakeups())
        .as("wakeups")
        .isCloseTo(kernel.voluntary(), within(2.0 * tasks + kernel.voluntary() / 100.0));
    assertThat(sonde.preemptions())
        .as("preemptions")
        .isCloseTo(kernel.involuntary(), within(2.0 * tasks + kernel.involuntary() / 100.0));
  }
}
