package dev.sonde.agent.truth;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** The agent starts, shows live data and goes, leaving nothing. */
class SmokeIT {
  @Test
  void showsABusyContainer() {
    try (AgentProcess agent = AgentProcess.start();
        PodCgroup pod = PodCgroup.create()) {
      pod.start("sh", "-c", "while :; do :; done");
      double first = agent.fresh().sum("sonde_sched_on_cpu_seconds_total", pod.labels());
      double second = agent.fresh().sum("sonde_sched_on_cpu_seconds_total", pod.labels());
      assertThat(second).isGreaterThan(first);
      assertThat(agent.terminate()).as(agent.log()).isIn(0, 143);
    }
  }
}
