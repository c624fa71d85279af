package dev.sonde.agent.truth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sonde.agent.KernelTest;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whichever way the kernel tells of cgroups: what is gone at once still has its path's name. */
@KernelTest
@Timeout(120)
class CgroupRungsIT {
  private static final String SENT = "sonde_tcp_sent_bytes_total";
  private static final int CGROUPS = 20;
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  @ParameterizedTest
  @ValueSource(strings = {"tp_btf", "raw_tp", "tracepoint"})
  void whatIsGoneBeforeTheNextSnapshotHasItsName(String mechanism) {
    try (TraceFs _ = TraceFs.mounted();
        ByteSink sink = ByteSink.open();
        AgentProcess agent =
            AgentProcess.start("--mechanism", "cgroup=" + mechanism, "--cri-endpoint", "off")) {
      Scrape first = agent.fresh();
      assertThat(first.sum("sonde_probe_up", "probe", "cgroup", "mechanism", mechanism))
          .isEqualTo(1);
      Map<String, Long> sent = new HashMap<>();
      for (int i = 0; i < CGROUPS; i++) {
        long bytes = 100L + i;
        long before = sink.connections();
        try (PodCgroup pod = PodCgroup.create()) {
          pod.start(
              "bash",
              "-c",
              "exec 3<>/dev/tcp/127.0.0.1/%d; head -c %d /dev/zero >&3"
                  .formatted(sink.port(), bytes));
          await("the bytes").atMost(PATIENCE).until(() -> sink.connections() > before);
          sent.put(pod.pod(), bytes);
        }
      }
      Scrape last = agent.fresh();
      Map<String, Long> counted = new HashMap<>();
      sent.forEach((pod, bytes) -> counted.put(pod, (long) last.sum(SENT, "pod", pod)));
      assertThat(counted).isEqualTo(sent);
      assertThat(last.sum(SENT, "unit", "~gone")).isEqualTo(first.sum(SENT, "unit", "~gone"));
    }
  }
}
