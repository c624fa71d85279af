package dev.sonde.agent.truth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sonde.exporter.prometheus.PrometheusServer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A real Prometheus scrapes the real agent as a PodMonitor would have it. */
class PrometheusScrapeIT {
  @TempDir Path dir;

  @Test
  void everySeriesKeepsItsOwnPod() throws Exception {
    try (AgentProcess agent = AgentProcess.start();
        PodCgroup pod = PodCgroup.create();
        PrometheusServer prometheus = new PrometheusServer(dir, agent.port())) {
      pod.start("sh", "-c", "while :; do sleep 0.01; done");
      String waits = "sonde_sched_run_queue_seconds{pod=\"" + pod.pod() + "\",reason=\"wakeup\"}";
      await("the pod's native histogram")
          .atMost(Duration.ofSeconds(60))
          .ignoreExceptions()
          .until(() -> prometheus.query("histogram_count(" + waits + ") > 10").contains(pod.pod()));
      // only a native histogram has a fraction; a classic one would give no result
      assertThat(prometheus.query("histogram_fraction(0, 64, " + waits + ")"))
          .contains("\"value\"");

      String exported =
          "{exported_pod!=\"\"} or {exported_namespace!=\"\"} or {exported_container!=\"\"} or {exported_node!=\"\"}";
      assertThat(prometheus.query("count(" + exported + ")")).contains("\"result\":[]");
      // the target's labels are the agent's own pod: only the agent's own series may have them
      assertThat(prometheus.query("count({unit!=\"\",pod!=\"\"})")).contains("\"result\":[]");
      assertThat(
              prometheus.query(
                  "count({__name__=~\"sonde_(sched|tcp|jvm)_.*\",pod=\"sonde-agent-x\"})"))
          .contains("\"result\":[]");
    }
  }

  @Test
  void promtoolHasNothingToSay() throws Exception {
    try (AgentProcess agent = AgentProcess.start()) {
      Path page = Files.writeString(dir.resolve("metrics"), agent.fresh().text());
      Process promtool =
          new ProcessBuilder("promtool", "check", "metrics")
              .redirectInput(page.toFile())
              .redirectErrorStream(true)
              .start();
      String said = new String(promtool.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      assertThat(promtool.waitFor()).as(said).isZero();
      assertThat(said).isEmpty();
    }
  }
}
