package dev.sonde.agent.truth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sonde.agent.KernelTest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * At the same time 5,000 short processes a second, 2,000 threads that sleep and wake, and a hundred
 * short-lived cgroups a second: no map fills up, nothing is lost uncounted, memory stays where it
 * is. {@code make soak} runs it for a minute, {@code make test} for some seconds.
 */
@KernelTest
class SchedSoakIT {
  private static final int SECONDS = Integer.getInteger("sonde.soak", 6);
  private static final int RATE = 5_000;
  private static final int THREADS = 2_000;
  private static final String[] LOSSES = {"storage", "map_full", "recursion", "reserve"};

  @TempDir Path directory;

  /** Makes a hundred cgroups a second, each with a process for a moment; says how many so far. */
  private static String churn(PodCgroup pod) {
    return "i=0; while :; do i=$((i+1)); d="
        + pod.directory()
        + "/churn-$i; mkdir $d; (echo $BASHPID > $d/cgroup.procs; :); rmdir $d; echo $i;"
        + " read -r -t 0.004 -u 3; done 3<> <(:)";
  }

  private static double entries(Scrape scrape, String map) {
    return scrape.sum("sonde_map_entries", "map", map);
  }

  private static double resident(Scrape scrape) {
    return scrape.sum("process_resident_memory_bytes") / 1e6;
  }

  private static double switches(Scrape scrape, PodCgroup pod) {
    return scrape.sum("sonde_sched_switches_total", pod.labels());
  }

  private static void rest(int seconds) {
    await("the storm")
        .pollDelay(Duration.ofSeconds(seconds))
        .atMost(Duration.ofSeconds(seconds + 60L))
        .until(() -> true);
  }

  @Test
  void nothingLeaksAndNothingIsLost() throws IOException {
    Path processes = Compiled.program(directory, "processes");
    Path sleepers = Compiled.program(directory, "sleepers");
    Path storms = directory.resolve("storms");
    Path churns = directory.resolve("churns");
    Path there = directory.resolve("there");
    try (AgentProcess agent = AgentProcess.start("--stale-after", "1s");
        PodCgroup storm = PodCgroup.create();
        PodCgroup threads = PodCgroup.create();
        PodCgroup churned = PodCgroup.create()) {
      Process many = threads.start(there, sleepers.toString(), Integer.toString(THREADS), "200");
      await("threads").until(() -> Files.size(there) > 0);
      Scrape first = agent.fresh();
      long began = System.nanoTime();
      String count = Integer.toString(SECONDS * RATE);
      Process a = storm.start(storms, processes.toString(), "exit0", count, Integer.toString(RATE));
      Process c = churned.start(churns, "bash", "-c", churn(churned));
      rest(SECONDS / 2);
      Scrape half = agent.fresh();
      await("the processes to have come and gone")
          .atMost(Duration.ofSeconds(20L + 5L * SECONDS))
          .pollInterval(Duration.ofMillis(50))
          .until(() -> Files.size(storms) > 0 || !a.isAlive());
      double seconds = (System.nanoTime() - began) / 1e9;
      Scrape full = agent.fresh();
      c.destroy();
      many.destroyForcibly();
      await("the slots of the churned cgroups to be free again")
          .atMost(Duration.ofSeconds(60))
          .until(
              () -> entries(agent.scrape(), "cgroup_slots") <= entries(first, "cgroup_slots") + 8);
      Scrape last = agent.fresh();

      long forked = Long.parseLong(Files.readString(storms).split(" ")[0]);
      long cgroups = Files.readAllLines(churns).size();
      ProcessIT.Counts counted =
          ProcessIT.Counts.of(full, storm).minus(ProcessIT.Counts.of(first, storm));
      System.out.printf(
          "proof: %.1f s: %d processes (%.0f a second), %d counted; %d cgroups (%.0f a second); %.0f"
              + " switches a second of %d threads; slots %.0f, %.0f in the middle, %.0f at the end,"
              + " %.0f after; pairs %.0f, %.0f, %.0f; RSS %.1f MB, %.1f in the middle, %.1f at the"
              + " end; maps %.1f MB; agent's CPU %.1f%% of one%n",
          seconds,
          forked,
          forked / seconds,
          counted.ok(),
          cgroups,
          cgroups / seconds,
          (switches(full, threads) - switches(first, threads)) / seconds,
          THREADS,
          entries(first, "cgroup_slots"),
          entries(half, "cgroup_slots"),
          entries(full, "cgroup_slots"),
          entries(last, "cgroup_slots"),
          entries(first, "neighbours"),
          entries(full, "neighbours"),
          entries(last, "neighbours"),
          resident(first),
          resident(half),
          resident(full),
          Maps.bytes(agent.process().pid()) / 1e6,
          100
              * (full.sum("process_cpu_seconds_total") - first.sum("process_cpu_seconds_total"))
              / seconds);
      for (String where : LOSSES) {
        assertThat(last.sum("sonde_events_lost_total", "where", where)).as(where).isZero();
      }
      assertThat(forked).isEqualTo((long) SECONDS * RATE);
      assertThat(counted.ok()).as("processes that ended well").isEqualTo(forked);
      assertThat(cgroups).as("cgroups came and went").isGreaterThan(SECONDS * 10L);
      assertThat(entries(last, "neighbours"))
          .isLessThan(last.sum("sonde_map_capacity", "map", "neighbours") / 2);
      if (SECONDS >= 60) {
        assertThat(resident(full)).as("memory is flat").isLessThan(1.15 * resident(half));
      }
    }
  }
}
