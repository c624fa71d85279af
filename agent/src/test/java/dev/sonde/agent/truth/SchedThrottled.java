package dev.sonde.agent.truth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sonde.agent.guest.Patience;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** A pod that runs into its CPU quota, against its cgroup's own figures. */
final class SchedThrottled {
  private static final int CPU = Runtime.getRuntime().availableProcessors() - 1;

  private SchedThrottled() {}

  private static double waited(Scrape scrape, PodCgroup pod, String reason) {
    return scrape.sum("sonde_sched_run_queue_seconds_sum", pod.labels("reason", reason));
  }

  /**
   * @param tasks how many busy processes, all on one CPU
   * @param tolerance of the ratio between the throttled waits, which count each task, and the
   *     cgroup's throttled time, which counts its queue once
   */
  static void assertTold(int tasks, double tolerance) {
    try (AgentProcess agent = AgentProcess.start("--probes", "sched");
        PodCgroup pod = PodCgroup.create();
        CpuShare prefer = CpuShare.preferPods(pod)) {
      CpuShare.limit(pod, 20_000, 100_000);
      List<Worker> hogs = new ArrayList<>();
      for (int i = 0; i < tasks; i++) {
        hogs.add(Worker.hog(pod, CPU));
      }
      Scrape first = agent.fresh();
      CpuShare.Throttling before = CpuShare.Throttling.of(pod);
      hogs.forEach(Worker::go);
      await("the pod to be throttled for 3 s")
          .atMost(Patience.seconds(60))
          .pollInterval(Duration.ofMillis(100))
          .until(() -> CpuShare.Throttling.of(pod).minus(before).seconds() > 3);
      hogs.forEach(Worker::halt);
      CpuShare.Throttling truth = CpuShare.Throttling.of(pod).minus(before);
      Scrape last = agent.fresh();

      double throttled = waited(last, pod, "throttled") - waited(first, pod, "throttled");
      double preempted = waited(last, pod, "preempted") - waited(first, pod, "preempted");
      double count =
          last.sum("sonde_sched_run_queue_seconds_count", pod.labels("reason", "throttled"));
      System.out.printf(
          "proof: %d busy tasks on one CPU, quota 20 of 100 ms: throttled %.6f s in %.0f waits;"
              + " the cgroup %.6f s in %d (ratio per task %+.2f%%); preempted %.6f s%n",
          tasks,
          throttled,
          count,
          truth.seconds(),
          truth.times(),
          100 * (throttled / tasks / truth.seconds() - 1),
          preempted);
      assertThat(throttled / tasks)
          .as("throttled, each task")
          .isBetween((1 - tolerance) * truth.seconds(), (1 + tolerance) * truth.seconds());
      if (tasks == 1) {
        // the cgroup counts periods with throttling; a group may run out twice in one
        assertThat(count).isBetween(truth.times() - 2.0, 1.5 * truth.times() + 2);
      }
      assertThat(prefer).isNotNull();
    }
  }
}
