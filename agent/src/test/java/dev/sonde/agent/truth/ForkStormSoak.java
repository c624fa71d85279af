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
 * 5,000 short processes a second for a minute ({@code -Dsonde.soak}): each is counted, by all
 * probes together, and neither the agent's memory nor its maps grow.
 */
@KernelTest
class ForkStormSoak {
  private static final int RATE = 5_000;
  private static final int SECONDS = Integer.getInteger("sonde.soak", 60);

  @TempDir Path directory;

  @Test
  void nothingIsLostAndNothingGrows() throws IOException {
    Path program = Compiled.program(directory, "processes");
    try (AgentProcess agent = AgentProcess.start();
        PodCgroup pod = PodCgroup.create()) {
      // a first storm: what is made once is made, and the JVM's heap is touched
      ProcessIT.run(directory, pod, program, "exit0", SECONDS / 2 * RATE, RATE);
      Scrape before = agent.fresh();
      long start = System.nanoTime();
      ProcessIT.Counts truth =
          ProcessIT.run(directory, pod, program, "exit0", SECONDS * RATE, RATE);
      double seconds = (System.nanoTime() - start) / 1e9;
      Scrape after = agent.fresh();
      ProcessIT.Counts counted =
          ProcessIT.Counts.of(after, pod).minus(ProcessIT.Counts.of(before, pod));
      double grown =
          after.sum("process_resident_memory_bytes") - before.sum("process_resident_memory_bytes");
      double entries = after.sum("sonde_map_entries") - before.sum("sonde_map_entries");
      System.out.printf(
          "proof: %.0f processes/s for %.1f s: waited for %s, counted %s; lost %s; resident %+.1f"
              + " MB, map entries %+.0f; agent's CPU %.2f%% of one%n",
          truth.started() / seconds,
          seconds,
          truth,
          counted,
          after.samples("sonde_events_lost_total"),
          grown / 1e6,
          entries,
          100
              * (after.sum("process_cpu_seconds_total") - before.sum("process_cpu_seconds_total"))
              / seconds);
      assertThat(truth.started() / seconds).as("processes a second").isGreaterThan(0.9 * RATE);
      assertThat(counted).isEqualTo(truth);
      for (String where : new String[] {"reserve", "recursion", "map_full", "storage"}) {
        assertThat(after.sum("sonde_events_lost_total", "where", where)).as(where).isZero();
      }
      assertThat(grown).as("resident bytes more").isLessThan(16e6);
      assertThat(entries).isLessThan(8);
      await("the storm's cgroup to be empty but for its parents")
          .atMost(Duration.ofSeconds(10))
          .until(() -> pod.pids().size() <= 2);
      assertThat(Files.exists(program)).isTrue();
    }
  }
}
