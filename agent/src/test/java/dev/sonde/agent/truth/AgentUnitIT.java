package dev.sonde.agent.truth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;
import static org.awaitility.Awaitility.await;

import dev.sonde.agent.KernelTest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The agent's own work is the unit "sonde", and in nobody else's numbers. */
@KernelTest
@Timeout(120)
class AgentUnitIT {
  private static final String ON_CPU = "sonde_sched_on_cpu_seconds_total";

  @Test
  void isAUnitOfItsOwn() throws IOException {
    assumeThat(Files.readString(Path.of("/proc/self/cgroup")))
        .as("a cgroup that is shared: as a service the agent is found by its name")
        .doesNotContain(".service");
    try (AgentProcess agent = AgentProcess.start("--probes", "sched", "--grpc-listen", "off")) {
      Scrape before = agent.fresh();
      await("two seconds of the agent's CPU time")
          .atMost(Duration.ofMinutes(1))
          .pollInterval(Duration.ofMillis(1))
          .until(() -> cpu(agent.scrape()) - cpu(before) > 2);
      Scrape after = agent.fresh();
      double counted = after.sum(ON_CPU, "unit", "sonde") - before.sum(ON_CPU, "unit", "sonde");
      double own = cpu(after) - cpu(before);
      System.out.printf(
          "proof: unit sonde %.3f s on CPU, process_cpu_seconds %.2f%n", counted, own);
      // the tick's books: 10 ms, and time that interrupts took
      assertThat(counted).isBetween(0.95 * own - 0.05, 1.1 * own + 0.05);
    }
  }

  private static double cpu(Scrape scrape) {
    return scrape.sum("process_cpu_seconds_total");
  }
}
