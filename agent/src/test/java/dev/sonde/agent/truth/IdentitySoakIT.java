package dev.sonde.agent.truth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.sonde.agent.KernelTest;
import dev.sonde.agent.workload.cri.CriCalls.Container;
import dev.sonde.agent.workload.cri.CriCalls.Pod;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Thousands of pods, and a runtime that is away for a minute: {@code make soak}. */
@KernelTest
@Timeout(7200)
class IdentitySoakIT {
  private static final int PODS = 20;
  private static final int ROUNDS = Integer.getInteger("sonde.soak.rounds", 200);
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final String SENT = Churn.SENT;

  @BeforeEach
  void onlyInASoak() {
    assumeTrue(System.getProperty("sonde.soak") != null, "takes an hour: make soak");
  }

  /** Half of the rounds before a minute without the runtime, and half after it. */
  @Test
  void everyByteIsWhereItBelongs() throws InterruptedException {
    try (Containerd runtime = Containerd.start();
        ByteSink steady = ByteSink.open();
        Churn churn = new Churn(runtime);
        AgentProcess agent =
            AgentProcess.start(
                "--cri-endpoint",
                runtime.socket().toString(),
                "--stale-after",
                "1m",
                "--max-workloads",
                "8192")) {
      Pod pod = Pod.burstable("shop", "steady-0");
      String sandbox = runtime.run(pod);
      String id =
          runtime.start(
              sandbox,
              pod,
              Container.of(
                  "app",
                  Containerd.BUSYBOX,
                  "/bin/sh",
                  "-c",
                  "while :; do dd if=/dev/zero bs=1000 count=1 2>/dev/null; sleep 0.1; done"
                      + " | nc 127.0.0.1 "
                      + steady.port()));
      for (int round = 0; round < ROUNDS; round++) {
        if (round == ROUNDS / 2) {
          runtime.halt();
          Thread.sleep(60_000);
          runtime.launch();
        }
        churn.round(PODS);
        await("round " + round)
            .atMost(PATIENCE)
            .untilAsserted(() -> churn.assertRound(agent.fresh()));
      }
      runtime.calls().stop(id);
      await("its connection to end").atMost(PATIENCE).until(() -> steady.connections() > 0);
      await("its bytes")
          .atMost(PATIENCE)
          .untilAsserted(
              () ->
                  assertThat(agent.fresh().sum(SENT, "pod", "steady-0"))
                      .isEqualTo(steady.bytes()));
      Scrape last = agent.fresh();
      assertThat(last.sum(SENT, "unit", "~gone")).isZero();
      System.out.printf(
          "proof: %d pods, %d bytes, each where it belongs; one minute without the runtime%n",
          churn.made(), churn.received() + steady.bytes());
    }
  }

  /** From the call that starts a container to the first scrape that has its name. */
  @Test
  void aNewContainerIsKnownWithinASecond() {
    try (Containerd runtime = Containerd.start();
        ByteSink sink = ByteSink.open();
        AgentProcess agent =
            AgentProcess.start(
                "--cri-endpoint", runtime.socket().toString(), "--snapshot-interval", "1s")) {
      List<Long> millis = new ArrayList<>();
      for (int i = 0; i < 20; i++) {
        Pod pod = Pod.burstable("shop", "quick-" + i);
        String sandbox = runtime.run(pod);
        String id =
            runtime
                .calls()
                .create(
                    sandbox,
                    pod,
                    Container.of(
                        "app",
                        Containerd.BUSYBOX,
                        "/bin/sh",
                        "-c",
                        "echo hello | nc 127.0.0.1 " + sink.port() + "; sleep 1000"));
        long before = sink.connections();
        long bytes = sink.bytes();
        runtime.calls().start(id);
        await("its first event")
            .atMost(PATIENCE)
            .pollInterval(Duration.ofMillis(5))
            .until(() -> sink.bytes() > bytes || sink.connections() > before);
        long start = System.nanoTime();
        await("its name")
            .atMost(PATIENCE)
            .pollInterval(Duration.ofMillis(20))
            .until(
                () ->
                    agent.scrape().sum(SENT, "pod", pod.name(), "container", "app") > 0);
        millis.add((System.nanoTime() - start) / 1_000_000);
        runtime.removePod(sandbox);
      }
      Collections.sort(millis);
      System.out.printf(
          "proof: first byte to named series, ms: median %d, most %d%n",
          millis.get(millis.size() / 2), millis.getLast());
      assertThat(millis.get(millis.size() / 2)).isLessThan(1000);
    }
  }
}
