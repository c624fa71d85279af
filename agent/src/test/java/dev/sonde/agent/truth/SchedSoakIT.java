package dev.sonde.agent.truth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sonde.agent.KernelTest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/**
 * A storm of short processes and of short-lived cgroups: no map fills up, nothing is lost
 * uncounted, memory stays where it is. {@code make soak} runs it for a minute, {@code make test}
 * for some seconds.
 */
@KernelTest
class SchedSoakIT {
  private static final int SECONDS = Integer.getInteger("sonde.soak", 6);
  private static final String[] LOSSES = {"storage", "map_full", "recursion", "reserve"};

  private static final String STORM =
      "while (1) { my $p = fork; exit 0 if defined $p && !$p; waitpid $p, 0 }";

  /** Makes a hundred cgroups a second, each with a process for a moment. */
  private static String churn(PodCgroup pod) {
    return "i=0; while :; do i=$((i+1)); d="
        + pod.directory()
        + "/churn-$i; mkdir $d; (echo $BASHPID > $d/cgroup.procs; :); rmdir $d;"
        + " read -r -t 0.008 -u 3; done 3<> <(:)";
  }

  private static long forks() throws IOException {
    return Files.readAllLines(Path.of("/proc/stat")).stream()
        .filter(l -> l.startsWith("processes "))
        .mapToLong(l -> Long.parseLong(l.substring(10).strip()))
        .findFirst()
        .orElseThrow();
  }

  private static double entries(Scrape scrape, String map) {
    return scrape.sum("sonde_map_entries", "map", map);
  }

  private static void rest(int seconds) {
    await("the storm")
        .pollDelay(Duration.ofSeconds(seconds))
        .atMost(Duration.ofSeconds(seconds + 60L))
        .until(() -> true);
  }

  @Test
  void nothingLeaksAndNothingIsLost() throws IOException {
    try (AgentProcess agent = AgentProcess.start("--stale-after", "1s");
        PodCgroup storm = PodCgroup.create();
        PodCgroup churned = PodCgroup.create()) {
      Scrape first = agent.fresh();
      long forks = forks();
      long began = System.nanoTime();
      Process a = storm.start("perl", "-e", STORM);
      Process b = storm.start("perl", "-e", STORM);
      Process c = churned.start("bash", "-c", churn(churned));
      rest(SECONDS / 2);
      Scrape half = agent.fresh();
      rest(SECONDS - SECONDS / 2);
      Scrape full = agent.fresh();
      double seconds = (System.nanoTime() - began) / 1e9;
      long forked = forks() - forks;
      a.destroyForcibly();
      b.destroyForcibly();
      c.destroy();
      await("the slots of the churned cgroups to be free again")
          .atMost(Duration.ofSeconds(60))
          .until(
              () -> entries(agent.scrape(), "cgroup_slots") <= entries(first, "cgroup_slots") + 8);
      Scrape last = agent.fresh();

      double mapsHalf = Maps.bytes(agent.process().pid());
      System.out.printf(
          "proof: %.0f s: %d processes (%.0f a second); slots %.0f, %.0f in the middle, %.0f at the"
              + " end, %.0f after; pairs %.0f, %.0f, %.0f; RSS %.1f MB in the middle, %.1f MB at"
              + " the end; maps %.1f MB%n",
          seconds,
          forked,
          forked / seconds,
          entries(first, "cgroup_slots"),
          entries(half, "cgroup_slots"),
          entries(full, "cgroup_slots"),
          entries(last, "cgroup_slots"),
          entries(first, "neighbours"),
          entries(full, "neighbours"),
          entries(last, "neighbours"),
          half.sum("process_resident_memory_bytes") / 1e6,
          full.sum("process_resident_memory_bytes") / 1e6,
          mapsHalf / 1e6);
      for (String where : LOSSES) {
        assertThat(last.sum("sonde_events_lost_total", "where", where)).as(where).isZero();
      }
      assertThat(forked).isGreaterThan(SECONDS * 200L);
      assertThat(entries(full, "cgroup_slots"))
          .as("cgroups came and went")
          .isGreaterThan(entries(first, "cgroup_slots") + 8);
      assertThat(entries(last, "neighbours"))
          .isLessThan(last.sum("sonde_map_capacity", "map", "neighbours") / 2);
      if (SECONDS >= 60) {
        assertThat(full.sum("process_resident_memory_bytes"))
            .as("memory is flat")
            .isLessThan(1.15 * half.sum("process_resident_memory_bytes"));
      }
    }
  }
}
