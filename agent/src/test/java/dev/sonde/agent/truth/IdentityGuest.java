package dev.sonde.agent.truth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sonde.agent.guest.Guest;
import dev.sonde.agent.guest.Patience;
import dev.sonde.agent.workload.cri.CriCalls.Container;
import dev.sonde.agent.workload.cri.CriCalls.Pod;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** A pod made through CRI on cgroup v2 alone, with runc. */
@Guest(kernels = "6.12")
class IdentityGuest {
  @Test
  void namesByCriOnPureCgroupV2() {
    assertThat(Files.exists(Path.of("/sys/fs/cgroup/cgroup.controllers"))).isTrue();
    try (Containerd runtime = Containerd.start();
        ByteSink sink = ByteSink.open();
        AgentProcess agent = AgentProcess.start("--cri-endpoint", runtime.socket().toString())) {
      await("the runtime's first answer")
          .atMost(Patience.seconds(30))
          .until(() -> agent.scrape().sum("sonde_source_up", "source", "cri") == 1);
      Pod pod = Pod.burstable("shop", "guest-0");
      String sandbox = runtime.run(pod);
      runtime.start(
          sandbox,
          pod,
          Container.of(
              "app",
              Containerd.BUSYBOX,
              "/bin/sh",
              "-c",
              "dd if=/dev/zero bs=1000 count=33 2>/dev/null | nc 127.0.0.1 %d; sleep 1000000"
                  .formatted(sink.port())));
      String[] labels = {"namespace", "shop", "pod", "guest-0", "container", "app", "unit", ""};
      await("its bytes under its name")
          .atMost(Patience.seconds(30))
          .untilAsserted(
              () ->
                  assertThat(agent.scrape().sum("sonde_tcp_sent_bytes_total", labels))
                      .as(agent::log)
                      .isEqualTo(33_000));
      assertThat(agent.scrape().samples("sonde_pod_info", "pod", "guest-0", "uid", pod.uid()))
          .hasSize(1);
      runtime.removePod(sandbox);
    }
  }
}
