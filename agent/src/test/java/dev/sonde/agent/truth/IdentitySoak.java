package dev.sonde.agent.truth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sonde.agent.KernelTest;
import dev.sonde.agent.workload.cri.CriCalls.Container;
import dev.sonde.agent.workload.cri.CriCalls.Pod;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Thousands of pods, and a runtime that is away for a minute: {@code make soak}. */
@KernelTest
@Timeout(7200)
class IdentitySoak {
  private static final int PODS = 20;
  private static final int ROUNDS = Integer.getInteger("sonde.soak.rounds", 200);
  private static final int CONTAINERS = Integer.getInteger("sonde.soak.containers", 100);
  private static final int JVMS = 20;
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final String SENT = Churn.SENT;
  private static final String OPENS = "sonde_tcp_opens_total";

  /**
   * Half of the rounds before a minute without the runtime, and half after it. Two pods work all
   * the time: one sends on one connection, one makes connection after connection.
   */
  @Test
  void everyByteIsWhereItBelongs() throws InterruptedException {
    try (Containerd runtime = Containerd.start();
        ByteSink steady = ByteSink.open();
        ByteSink calls = ByteSink.open();
        Churn churn = new Churn(runtime);
        AgentProcess agent =
            AgentProcess.start(
                "--cri-endpoint",
                runtime.socket().toString(),
                "--stale-after",
                "10s", // ten pods a second come and go: within a minute's they fill --max-series
                "--max-workloads",
                "4096")) {
      await("the runtime's first answer")
          .atMost(PATIENCE)
          .until(() -> agent.scrape().sum("sonde_source_up", "source", "cri") == 1);
      try (CountedEvents opens = new CountedEvents(agent, "EVENT_KIND_TCP_OPEN", "caller-0")) {
        everyByteIsWhereItBelongs(runtime, agent, churn, opens, steady, calls);
      }
    }
  }

  private static void everyByteIsWhereItBelongs(
      Containerd runtime,
      AgentProcess agent,
      Churn churn,
      CountedEvents opens,
      ByteSink steady,
      ByteSink calls)
      throws InterruptedException {
    Increases soFar = NodeOpens.increases();
    NodeOpens opened = NodeOpens.read(agent, soFar);
    String sender =
        start(
            runtime,
            "steady-0",
            "while :; do dd if=/dev/zero bs=1000 count=1 2>/dev/null; sleep 0.1; done"
                + " | nc 127.0.0.1 "
                + steady.port());
    String caller =
        start(
            runtime,
            "caller-0",
            "while :; do echo hello | nc 127.0.0.1 %d; sleep 0.05; done".formatted(calls.port()));
    long calledWithout = 0;
    for (int round = 0; round < ROUNDS; round++) {
      if (round == ROUNDS / 2) {
        long before = calls.connections();
        runtime.halt();
        Thread.sleep(60_000); // the time that is asked for
        Scrape away = agent.fresh();
        assertThat(away.sum("sonde_source_up", "source", "cri")).isZero();
        runtime.launch();
        calledWithout = calls.connections() - before;
      }
      churn.round(PODS);
      await("round " + round)
          .atMost(PATIENCE)
          .untilAsserted(() -> churn.assertRound(agent.fresh()));
      soFar.see(agent.fresh()); // before the round's series end
      if ((round + 1) % 20 == 0) {
        System.out.printf(
            "soak: %d pods, %d bytes, each where it belongs%n", churn.made(), churn.received());
      }
    }
    runtime.calls().stop(caller);
    runtime.calls().stop(sender);
    await("its connection to end").atMost(PATIENCE).until(() -> steady.connections() > 0);
    await("every byte, connection and event of the two that worked all the time")
        .atMost(PATIENCE)
        .untilAsserted(
            () -> {
              Scrape scrape = agent.fresh();
              assertThat(scrape.sum(SENT, "pod", "steady-0")).isEqualTo(steady.bytes());
              assertThat(scrape.sum(SENT, "pod", "caller-0")).isEqualTo(calls.bytes());
              assertThat(scrape.sum(OPENS, "pod", "caller-0", "role", "client"))
                  .isEqualTo(calls.connections());
              assertThat(opens.seen()).isEqualTo(calls.connections());
            });
    NodeOpens.read(agent, soFar).assertSince(opened);
    assertThat(opens.lost()).isZero();
    assertThat(calledWithout).isPositive();
    System.out.printf(
        "proof: %d pods, %d bytes, each where it belongs; a minute without the"
            + " runtime, with %d connections, each counted and streamed by name (%d in all)%n",
        churn.made(),
        churn.received() + steady.bytes() + calls.bytes(),
        calledWithout,
        calls.connections());
  }

  private static String start(Containerd runtime, String name, String script) {
    Pod pod = Pod.burstable("shop", name);
    String sandbox = runtime.run(pod);
    return runtime.start(
        sandbox, pod, Container.of("app", Containerd.BUSYBOX, "/bin/sh", "-c", script));
  }

  /** From the first byte that a container's process sends to the first scrape that names it. */
  @Test
  void aNewContainerIsKnownWithinASecond() {
    try (Containerd runtime = Containerd.start();
        ByteSink sink = ByteSink.open();
        AgentProcess agent = agent(runtime)) {
      Times tcp = new Times();
      for (int i = 0; i < CONTAINERS; i++) {
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
        pause(i);
        long bytes = sink.bytes();
        runtime.calls().start(id);
        awaitQuickly("its first byte", () -> sink.bytes() > bytes);
        tcp.measure(() -> agent.scrape().sum(SENT, "pod", pod.name(), "container", "app") > 0);
        runtime.removePod(sandbox);
      }
      tcp.report("first byte of a container to its named series");
    }
  }

  /** From the end of a JVM's first collections to the first scrape that names it. */
  @Test
  void aNewJvmIsKnownWithinASecond(@TempDir Path dir) throws IOException {
    try (Containerd runtime = Containerd.start();
        ByteSink sink = ByteSink.open();
        AgentProcess agent = agent(runtime)) {
      JvmImage image = JvmImage.load(runtime, dir);
      Times jvm = new Times();
      for (int i = 0; i < JVMS; i++) {
        Path logs = Files.createDirectories(dir.resolve("logs-" + i));
        Pod pod = Pod.burstable("shop", "jvm-" + i);
        String sandbox = runtime.run(pod);
        String id =
            runtime.calls().create(sandbox, pod, image.container("app", 3, sink.port(), logs));
        pause(i);
        runtime.calls().start(id);
        awaitQuickly("its collections", () -> Files.exists(logs.resolve("done")));
        jvm.measure(
            () ->
                agent
                        .scrape()
                        .sum(
                            "sonde_jvm_gc_collections_total",
                            "namespace",
                            "shop",
                            "pod",
                            pod.name(),
                            "container",
                            "app")
                    > 0);
        runtime.removePod(sandbox);
      }
      jvm.report("collections of a new JVM to their named series");
    }
  }

  /** With the snapshots that users have. */
  private static AgentProcess agent(Containerd runtime) {
    AgentProcess agent =
        AgentProcess.start(
            "--cri-endpoint", runtime.socket().toString(), "--snapshot-interval", "1s");
    await("the runtime's first answer")
        .atMost(PATIENCE)
        .until(() -> agent.scrape().sum("sonde_source_up", "source", "cri") == 1);
    return agent;
  }

  /** So that the containers start at all times of the second between two snapshots. */
  private static void pause(int i) {
    await("a while")
        .atMost(PATIENCE)
        .pollInterval(Duration.ofMillis(5))
        .pollDelay(Duration.ofMillis(137L * i % 1000))
        .until(() -> true);
  }

  private static void awaitQuickly(String what, Callable<Boolean> condition) {
    await(what).atMost(PATIENCE).pollInterval(Duration.ofMillis(5)).until(condition);
  }

  /** How long it took, many times over. */
  private static final class Times {
    private final List<Long> millis = new ArrayList<>();

    void measure(Callable<Boolean> known) {
      long start = System.nanoTime();
      awaitQuickly("its name", known);
      millis.add((System.nanoTime() - start) / 1_000_000);
    }

    private long share(double of) {
      return millis.get((int) Math.ceil(of * millis.size()) - 1);
    }

    void report(String what) {
      Collections.sort(millis);
      System.out.printf(
          "proof: %s, %d of them, ms: least %d, median %d, 90%% %d, 99%% %d, most %d%n",
          what,
          millis.size(),
          millis.getFirst(),
          share(0.5),
          share(0.9),
          share(0.99),
          millis.getLast());
      assertThat(millis.getLast()).as("ms").isLessThan(1000);
    }
  }
}
