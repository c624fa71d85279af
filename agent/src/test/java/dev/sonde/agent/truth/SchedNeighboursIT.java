package dev.sonde.agent.truth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.data.Percentage.withPercentage;
import static org.awaitility.Awaitility.await;

import dev.sonde.agent.KernelTest;
import dev.sonde.agent.guest.Patience;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Who took the CPU of whom, against ftrace's record of who ran when. */
@KernelTest
@Timeout(180)
class SchedNeighboursIT {
  private static final int CPU = Runtime.getRuntime().availableProcessors() - 1;
  private static final String PREEMPTED = "sonde_sched_preempted_seconds_total";

  /** Computes for 12 ms, longer than a time slice, then sleeps for 4 ms. */
  private static final String[] SLEEPER = {
    "taskset",
    "-c",
    Integer.toString(CPU),
    "perl",
    "-MTime::HiRes=clock,sleep",
    "-e",
    "while (1) { my $end = clock() + 0.012; 1 while clock() < $end; sleep 0.004 }"
  };

  private static double by(Scrape scrape, PodCgroup victim, PodCgroup culprit) {
    return scrape.sum(PREEMPTED, victim.labels("by_pod", culprit.pod()));
  }

  private static double preempted(Scrape scrape, PodCgroup victim) {
    return scrape.sum("sonde_sched_run_queue_seconds_sum", victim.labels("reason", "preempted"));
  }

  private static void run(Worker victim, double waited) {
    double before = victim.books().waited();
    await("the victim to wait " + waited + " s")
        .atMost(Patience.seconds(60))
        .pollInterval(Duration.ofMillis(50))
        .until(() -> victim.books().waited() - before >= waited);
  }

  private static double total(Map<Long, Double> by) {
    return by.values().stream().mapToDouble(Double::doubleValue).sum();
  }

  @ParameterizedTest
  @ValueSource(strings = {"tp_btf", "tp_btf_hash", "raw_tp", "tracepoint"})
  void aPeriodicSleeperNamesTheBusyPod(String mechanism) {
    try (TraceFs tracefs = TraceFs.mounted();
        AgentProcess agent =
            AgentProcess.start("--probes", "sched", "--mechanism", "sched=" + mechanism);
        PodCgroup busy = PodCgroup.create();
        PodCgroup sleeping = PodCgroup.create();
        CpuShare prefer = CpuShare.preferPods(busy)) {
      Worker hog = Worker.hog(busy, CPU);
      Worker sleeper = Worker.halted(sleeping, SLEEPER);
      Scrape first = agent.fresh();
      try (SwitchTrace trace = SwitchTrace.start()) {
        hog.go();
        sleeper.go();
        run(sleeper, 1);
        sleeper.halt();
        hog.halt();
        trace.stop();
        Scrape last = agent.fresh();

        Map<Long, Double> truth = trace.preemptedBy(sleeper.pid());
        double waited = preempted(last, sleeping) - preempted(first, sleeping);
        double named = by(last, sleeping, busy) - by(first, sleeping, busy);
        double all =
            last.sum(PREEMPTED, sleeping.labels()) - first.sum(PREEMPTED, sleeping.labels());
        System.out.printf(
            "proof: %s: sleeper preempted %.6f s (trace %.6f s), charged %.6f s (%+.3f%%), of it"
                + " to the busy pod %.2f%% (trace %.2f%%)%n",
            mechanism,
            waited,
            total(truth),
            all,
            100 * (all / waited - 1),
            100 * named / waited,
            100 * truth.getOrDefault(hog.pid(), 0.0) / total(truth));
        assertThat(waited).as("preempted at all").isGreaterThan(0.1);
        assertThat(waited).isCloseTo(total(truth), withPercentage(2));
        assertThat(all).as("the sum over the culprits").isCloseTo(waited, withPercentage(2));
        assertThat(named)
            .as("the busy pod's, against the trace")
            .isCloseTo(truth.getOrDefault(hog.pid(), 0.0), withPercentage(2));
        assertThat(named / waited).isGreaterThan(0.95);
      }
      assertThat(tracefs).isNotNull();
      assertThat(prefer).isNotNull();
    }
  }

  @Test
  void threeBusyPodsAreEachChargedTheirShare() {
    try (TraceFs tracefs = TraceFs.mounted();
        AgentProcess agent = AgentProcess.start("--probes", "sched");
        PodCgroup victims = PodCgroup.create();
        PodCgroup a = PodCgroup.create();
        PodCgroup b = PodCgroup.create();
        PodCgroup c = PodCgroup.create();
        CpuShare prefer = CpuShare.preferPods(victims)) {
      List<PodCgroup> busy = List.of(a, b, c);
      List<Worker> hogs = new ArrayList<>();
      for (int i = 0; i < busy.size(); i++) {
        CpuShare.weigh(busy.get(i), 1024 * (i + 1));
        hogs.add(Worker.hog(busy.get(i), CPU));
      }
      Worker victim = Worker.hog(victims, CPU);
      Scrape first = agent.fresh();
      try (SwitchTrace trace = SwitchTrace.start()) {
        hogs.forEach(Worker::go);
        victim.go();
        run(victim, 3);
        victim.halt();
        hogs.forEach(Worker::halt);
        trace.stop();
        Scrape last = agent.fresh();

        Map<Long, Double> truth = trace.preemptedBy(victim.pid());
        for (int i = 0; i < busy.size(); i++) {
          double named = by(last, victims, busy.get(i)) - by(first, victims, busy.get(i));
          double true_ = truth.getOrDefault(hogs.get(i).pid(), 0.0);
          System.out.printf(
              "proof: busy pod %d of weight %d: charged %.6f s, trace %.6f s (%+.3f%%)%n",
              i, i + 1, named, true_, 100 * (named / true_ - 1));
          assertThat(true_).as("it took some of the CPU").isGreaterThan(0.1);
          assertThat(named).as("busy pod %d", i).isCloseTo(true_, withPercentage(5));
        }
        double waited = preempted(last, victims) - preempted(first, victims);
        double all = last.sum(PREEMPTED, victims.labels()) - first.sum(PREEMPTED, victims.labels());
        assertThat(all).isCloseTo(waited, within(0.02 * waited));
        assertThat(waited).isCloseTo(total(truth), withPercentage(2));
      }
      assertThat(tracefs).isNotNull();
      assertThat(prefer).isNotNull();
    }
  }

  /** With room for one name, the rest is in ~other, and nothing of it is missing. */
  @Test
  void whatHasNoNameIsInOther() {
    try (AgentProcess agent = AgentProcess.start("--probes", "sched", "--sched-neighbours", "1");
        PodCgroup victims = PodCgroup.create();
        PodCgroup a = PodCgroup.create();
        PodCgroup b = PodCgroup.create();
        CpuShare prefer = CpuShare.preferPods(victims)) {
      List<Worker> hogs = List.of(Worker.hog(a, CPU), Worker.hog(b, CPU));
      Worker victim = Worker.hog(victims, CPU);
      hogs.forEach(Worker::go);
      victim.go();
      run(victim, 1);
      victim.halt();
      hogs.forEach(Worker::halt);
      Scrape last = agent.fresh();
      double other = last.sum(PREEMPTED, victims.labels("by_unit", "~other"));
      double all = last.sum(PREEMPTED, victims.labels());
      long named =
          last.samples(PREEMPTED, victims.labels()).stream()
              .filter(s -> !s.labels().getOrDefault("by_pod", "").isEmpty())
              .filter(s -> !s.labels().getOrDefault("by_pod", "").equals(victims.pod()))
              .count();
      System.out.printf("proof: room for one name: ~other has %.6f s of %.6f s%n", other, all);
      assertThat(named).isLessThanOrEqualTo(1);
      assertThat(other).isBetween(0.2 * all, 0.9 * all);
      assertThat(all).isCloseTo(preempted(last, victims), withPercentage(2));
      assertThat(prefer).isNotNull();
    }
  }
}
