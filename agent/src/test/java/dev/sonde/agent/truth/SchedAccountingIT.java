package dev.sonde.agent.truth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.data.Percentage.withPercentage;
import static org.awaitility.Awaitility.await;

import dev.sonde.agent.KernelTest;
import dev.sonde.agent.truth.Worker.Books;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Workloads beyond the slots there are, and slots that change their owner. */
@KernelTest
@Timeout(120)
class SchedAccountingIT {
  private static final int CPUS = Runtime.getRuntime().availableProcessors();
  private static final String ON_CPU = "sonde_sched_on_cpu_seconds_total";

  /** A pod with one process that only computes. */
  private record Busy(PodCgroup pod, Worker worker) {
    static Busy halted(int number) {
      PodCgroup pod = PodCgroup.create();
      try {
        return new Busy(pod, Worker.hog(pod, number % CPUS));
      } catch (AssertionError e) {
        pod.close();
        throw e;
      }
    }

    boolean hasSeries(Scrape scrape) {
      return !scrape.samples(ON_CPU, pod.labels()).isEmpty();
    }

    double onCpu(Scrape scrape) {
      return SchedSums.of(scrape, pod).onCpu();
    }
  }

  private static List<Busy> halted(int count, List<Busy> into) {
    for (int i = 0; i < count; i++) {
      into.add(Busy.halted(i));
    }
    return into;
  }

  /** Lets them run until each used that much CPU since it was started, and halts them. */
  private static void run(List<Busy> all, double seconds) {
    all.forEach(b -> b.worker().go());
    await("every worker to use " + seconds + " s of CPU")
        .atMost(Duration.ofSeconds(60))
        .pollInterval(Duration.ofMillis(50))
        .until(() -> all.stream().allMatch(b -> b.worker().books().onCpu() >= seconds));
    all.forEach(b -> b.worker().halt());
  }

  private static void close(List<Busy> all) {
    all.forEach(b -> b.pod().close());
    all.clear();
  }

  @Test
  void whatHasNoSlotIsInOtherAndCounted() {
    List<Busy> pods = new ArrayList<>();
    try (AgentProcess agent = AgentProcess.start("--max-workloads", "16")) {
      halted(30, pods);
      List<Books> before = pods.stream().map(b -> b.worker().books()).toList();
      Scrape first = agent.fresh();
      run(pods, 0.1);
      Scrape last = agent.fresh();

      double named = 0;
      double namedKernel = 0;
      double unnamedKernel = 0;
      int unnamed = 0;
      for (int i = 0; i < pods.size(); i++) {
        Busy b = pods.get(i);
        double kernel = b.worker().books().minus(before.get(i)).onCpu();
        if (b.hasSeries(last)) {
          double sonde = b.onCpu(last) - b.onCpu(first);
          assertThat(sonde).as("pod %d", i).isCloseTo(kernel, within(0.005 + kernel / 50));
          named += sonde;
          namedKernel += kernel;
        } else {
          unnamed++;
          unnamedKernel += kernel;
        }
      }
      double other = last.sum(ON_CPU, "unit", "~other") - first.sum(ON_CPU, "unit", "~other");
      double full = last.sum("sonde_events_lost_total", "where", "map_full");
      System.out.printf(
          "30 pods, 16 slots: %d pods in ~other with %.3f s (schedstat %.3f s), %d with slots"
              + " %.3f s (schedstat %.3f s); map_full %.0f%n",
          unnamed, other, unnamedKernel, pods.size() - unnamed, named, namedKernel, full);
      assertThat(unnamed).as("15 slots at most for 30 pods").isGreaterThanOrEqualTo(15);
      assertThat(full).isGreaterThanOrEqualTo(unnamed);
      assertThat(last.sum("sonde_map_entries", "map", "cgroup_slots"))
          .isEqualTo(last.sum("sonde_map_capacity", "map", "cgroup_slots"));
      // what else has no slot on this machine is in ~other, too
      assertThat(other).isGreaterThanOrEqualTo(0.99 * unnamedKernel);
      if (namedKernel > 0) {
        assertThat(named).isCloseTo(namedKernel, withPercentage(1));
      }
    } finally {
      close(pods);
    }
  }

  @Test
  void aSlotThatIsUsedAgainCountsFromZero() {
    List<Busy> pods = new ArrayList<>();
    try (AgentProcess agent = AgentProcess.start("--max-workloads", "16", "--stale-after", "1s")) {
      // 15 slots, some of them the host's: each is taken now if it was not before
      run(halted(15, pods), 0.15);
      Scrape full = agent.fresh();
      assertThat(full.sum("sonde_map_entries", "map", "cgroup_slots"))
          .isEqualTo(full.sum("sonde_map_capacity", "map", "cgroup_slots"));
      List<Busy> old = List.copyOf(pods);
      long had = old.stream().filter(b -> b.hasSeries(full)).count();
      close(pods);
      await("the series of the ended pods to end")
          .atMost(Duration.ofSeconds(20))
          .until(
              () -> {
                Scrape scrape = agent.scrape();
                return old.stream().noneMatch(b -> b.hasSeries(scrape));
              });

      run(halted(2, pods), 0.05);
      Scrape last = agent.fresh();
      for (Busy b : pods) {
        double kernel = b.worker().books().onCpu();
        double sonde = b.onCpu(last);
        System.out.printf(
            "slot used again: %.6f s, schedstat %.6f s; %d pods had slots before%n",
            sonde, kernel, had);
        assertThat(b.hasSeries(last)).as("a slot was free again").isTrue();
        // the shell is not in the cgroup from its first instruction on
        assertThat(sonde).isBetween(kernel - 0.03, 1.02 * kernel + 0.002);
      }
    } finally {
      close(pods);
    }
  }
}
