package dev.sonde.agent.truth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Percentage.withPercentage;
import static org.awaitility.Awaitility.await;

import dev.sonde.agent.KernelTest;
import dev.sonde.agent.guest.Patience;
import dev.sonde.agent.truth.Worker.Books;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** {@code --bpf-memory-limit}, against what the kernel says that the maps take. */
@KernelTest
@Timeout(120)
class SchedMemoryIT {
  @Test
  void theDefaultIsWhatThePlanSays() throws IOException {
    try (AgentProcess agent = AgentProcess.start()) {
      double planned = agent.scrape().sum("sonde_bpf_memory_bytes");
      long kernel = Maps.bytes(agent.process().pid());
      System.out.printf(
          "proof: maps take %d bytes by the kernel, %.0f by the plan (%+.2f%%)%n",
          kernel, planned, 100 * (planned / kernel - 1));
      assertThat((double) kernel).isLessThan(1.02 * planned);
      assertThat((double) kernel).isGreaterThan(0.9 * planned);
    }
  }

  @Test
  void aTightLimitIsKeptAndSaid() throws IOException {
    long limit = 3_000_000;
    try (AgentProcess agent =
        AgentProcess.start(
            "--bpf-memory-limit", "3MB", "--ring-buffer-bytes", "64KiB", "--probes", "sched")) {
      Scrape scrape = agent.fresh();
      long kernel = Maps.bytes(agent.process().pid());
      System.out.printf(
          "proof: limit %d: the kernel has %d bytes of maps; log: %s%n",
          limit, kernel, agent.log().lines().filter(l -> l.contains("left_out")).findFirst());
      assertThat(kernel).isLessThanOrEqualTo(limit);
      assertThat(agent.log()).contains("BPF memory limit").contains("sonde_sched_off_cpu_seconds");
      assertThat(scrape.text()).doesNotContain("sonde_sched_off_cpu_seconds_count");
      assertThat(scrape.sum("sonde_sched_on_cpu_seconds_total")).isPositive();
      assertThat(scrape.sum("sonde_bpf_memory_bytes")).isLessThanOrEqualTo(limit);
    }
  }

  /** CPUs that share a row add to it at the same time: nothing may get lost. */
  @Test
  void sharedRowsLoseNothing() {
    // 2,048 workloads on two CPUs take 11.6 MB with a row for each, 7 with one for both
    int cpus = Runtime.getRuntime().availableProcessors();
    try (AgentProcess agent =
            AgentProcess.start("--probes", "sched", "--bpf-memory-limit", cpus * 4 + "MB");
        PodCgroup pod = PodCgroup.create()) {
      assertThat(agent.log()).contains("share a row");
      List<Worker> workers = new ArrayList<>();
      for (int i = 0; i < 2 * cpus; i++) {
        workers.add(Worker.hog(pod, i % cpus));
      }
      Books before = workers.stream().map(Worker::books).reduce(Books.NONE, Books::plus);
      SchedSums first = SchedSums.of(agent.fresh(), pod);
      workers.forEach(Worker::go);
      await("the workers to run")
          .atMost(Patience.seconds(60))
          .until(() -> workers.stream().allMatch(w -> w.books().onCpu() > 0.5));
      workers.forEach(Worker::halt);
      Books kernel =
          workers.stream().map(Worker::books).reduce(Books.NONE, Books::plus).minus(before);
      SchedSums sonde = SchedSums.of(agent.fresh(), pod).minus(first);
      System.out.printf(
          "proof: shared rows: waited %.6f s, schedstat %.6f s (%+.3f%%); waits %.0f, schedstat"
              + " %d%n",
          sonde.waited(),
          kernel.waited(),
          100 * (sonde.waited() / kernel.waited() - 1),
          sonde.waits(),
          kernel.slices());
      assertThat(sonde.waited()).isCloseTo(kernel.waited(), withPercentage(1));
      assertThat(sonde.waits()).isCloseTo(kernel.slices(), withPercentage(2));
    }
  }
}
