package dev.sonde.agent.truth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sonde.agent.KernelTest;
import dev.sonde.agent.workload.cri.CriCalls.Container;
import dev.sonde.agent.workload.cri.CriCalls.Pod;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;

/** Real pods, made through a real runtime's CRI: every series has the right name from the start. */
@KernelTest
@Timeout(300)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class IdentityIT {
  private static final String ON_CPU = "sonde_sched_on_cpu_seconds_total";
  private static final String SENT = "sonde_tcp_sent_bytes_total";
  private static final Duration PATIENCE = Duration.ofSeconds(20);

  private Containerd runtime;
  private ByteSink sink;

  @BeforeAll
  void start() {
    runtime = Containerd.start();
    sink = ByteSink.open();
  }

  @AfterAll
  void stop() {
    sink.close();
    runtime.close();
  }

  private AgentProcess agent(String... more) {
    String[] flags = new String[more.length + 2];
    flags[0] = "--cri-endpoint";
    flags[1] = runtime.socket().toString();
    System.arraycopy(more, 0, flags, 2, more.length);
    return AgentProcess.start(flags);
  }

  /** Waits until a series has grown to {@code least}; fails with all that the agent has to say. */
  private static void awaitSum(AgentProcess agent, String metric, double least, String... labels) {
    await(metric + " of " + List.of(labels))
        .atMost(PATIENCE)
        .pollInterval(Duration.ofMillis(50))
        .untilAsserted(
            () -> {
              Scrape scrape = agent.scrape();
              assertThat(scrape.sum(metric, labels))
                  .as(
                      () ->
                          agent.log() + String.join("\n", scrape.lines(metric, "sonde_source_up")))
                  .isGreaterThanOrEqualTo(least);
            });
  }

  /** Sends so many bytes, then spins. */
  private Container sender(String name, int kilobytes) {
    return Container.of(
        name,
        Containerd.BUSYBOX,
        "/bin/sh",
        "-c",
        "dd if=/dev/zero bs=1000 count=%d 2>/dev/null | nc 127.0.0.1 %d; while :; do :; done"
            .formatted(kilobytes, sink.port()));
  }

  @Test
  void tcpAndSchedulerSeriesHaveTheNamesOfThePod() {
    try (AgentProcess agent = agent("--pod-labels", "app")) {
      Pod pod =
          Pod.burstable("shop", "web-7d4b9c6f5d-x2x4z")
              .withLabels(Map.of("app", "web", "pod-template-hash", "7d4b9c6f5d"));
      String sandbox = runtime.run(pod);
      String id = runtime.start(sandbox, pod, sender("nginx", 321));
      String[] labels = {"namespace", "shop", "pod", pod.name(), "container", "nginx", "unit", ""};
      awaitSum(agent, SENT, 321_000, labels);
      Scrape scrape = agent.fresh();
      assertThat(scrape.sum(SENT, labels)).isEqualTo(321_000);
      assertThat(scrape.sum(ON_CPU, labels)).isPositive();
      // Never by its id, not even for a moment: no series of it was left behind.
      assertThat(scrape.text()).doesNotContain("container=\"" + id);
      assertThat(
              scrape.samples(
                  "sonde_pod_info",
                  "namespace",
                  "shop",
                  "pod",
                  pod.name(),
                  "uid",
                  pod.uid(),
                  "owner_kind",
                  "Deployment",
                  "owner_name",
                  "web",
                  "label_app",
                  "web"))
          .hasSize(1);
      assertThat(
              scrape.samples(
                  "sonde_container_info",
                  "namespace",
                  "shop",
                  "pod",
                  pod.name(),
                  "container",
                  "nginx",
                  "container_id",
                  id,
                  "image",
                  Containerd.BUSYBOX))
          .hasSize(1);
      assertThat(scrape.sum("sonde_source_up", "source", "cri")).isEqualTo(1);
      assertThat(scrape.sum("sonde_source_up", "source", "kubelet")).isZero();
      assertThat(scrape.sum("sonde_source_up", "source", "cgroup")).isEqualTo(1);
      runtime.removePod(sandbox);
    }
  }
}
