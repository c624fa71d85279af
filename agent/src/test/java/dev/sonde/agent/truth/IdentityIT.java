package dev.sonde.agent.truth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sonde.agent.KernelTest;
import dev.sonde.agent.workload.cri.CriCalls.Container;
import dev.sonde.agent.workload.cri.CriCalls.Pod;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Real pods, made through a real runtime's CRI: every series has the right name from the start. */
@KernelTest
@Timeout(300)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class IdentityIT {
  private static final String ON_CPU = "sonde_sched_on_cpu_seconds_total";
  private static final String SENT = "sonde_tcp_sent_bytes_total";
  private static final Duration PATIENCE = Duration.ofSeconds(20);

  /** What a container may cost a Prometheus by default. */
  private static final int MOST_LINES = 200;

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

  /** Sends so many bytes, and then a little of the CPU's time is all that it takes. */
  private Container sender(String name, int kilobytes) {
    return Container.of(
        name,
        Containerd.BUSYBOX,
        "/bin/sh",
        "-c",
        "dd if=/dev/zero bs=1000 count=%d 2>/dev/null | nc 127.0.0.1 %d; while :; do sleep 0.1; done"
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
      long lines = scrape.text().lines().filter(l -> l.contains("container=\"nginx\"")).count();
      System.out.printf(
          "proof: %d lines of text for a container, classic buckets included%n", lines);
      assertThat(lines).isLessThanOrEqualTo(MOST_LINES);
      assertThat(scrape.repeated()).isEmpty();
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

  /** Names for what lives shorter than a snapshot, and for what ended before it had one. */
  @Test
  void shortPodsHaveTheirOwnBytesAndTheirNames() {
    try (AgentProcess agent = agent();
        Churn churn = new Churn(runtime)) {
      awaitSource(agent);
      double others = hostless(agent.fresh());
      NodeOpens before = NodeOpens.read(agent);
      for (int round = 0; round < 3; round++) {
        churn.round(4);
      }
      await("the last bytes to be counted")
          .atMost(PATIENCE)
          .untilAsserted(() -> churn.assertExact(agent.fresh()));
      assertThat(hostless(agent.fresh()))
          .as("bytes of nobody: ~gone, ~unknown, ~other")
          .isEqualTo(others);
      NodeOpens.read(agent).assertSince(before);
    }
  }

  /** A pod that ends before the runtime has answered once cannot have its name. */
  private static void awaitSource(AgentProcess agent) {
    awaitSum(agent, "sonde_source_up", 1, "source", "cri");
  }

  private static double hostless(Scrape scrape) {
    return scrape.sum(SENT, "unit", "~gone")
        + scrape.sum(SENT, "unit", "~unknown")
        + scrape.sum(SENT, "unit", "~other");
  }

  /** The runtime is away for ten seconds under load: nothing is lost, nobody is renamed. */
  @Test
  void aRuntimeThatIsStoppedAndStartedAgainLosesNothing() throws InterruptedException {
    try (AgentProcess agent = agent();
        Churn churn = new Churn(runtime)) {
      Pod pod = Pod.burstable("shop", "steady-0");
      String sandbox = runtime.run(pod);
      ByteSink steady = ByteSink.open();
      runtime.start(sandbox, pod, steadySender(steady));
      String[] labels = {"namespace", "shop", "pod", "steady-0", "container", "app"};
      awaitSum(agent, SENT, 1, labels);
      churn.round(2);
      double before = agent.fresh().sum(SENT, labels);
      runtime.halt();
      Thread.sleep(10_000); // the time that is asked for
      Scrape away = agent.fresh();
      assertThat(away.sum("sonde_source_up", "source", "cri")).isZero();
      assertThat(away.sum(SENT, labels)).as("it went on being counted").isGreaterThan(before);
      runtime.launch();
      churn.round(2);
      runtime.calls().stop(runtime.containers(pod).getFirst());
      await("its connection to end").atMost(PATIENCE).until(() -> steady.connections() > 0);
      await("every byte to be counted")
          .atMost(PATIENCE)
          .untilAsserted(
              () -> {
                Scrape scrape = agent.fresh();
                churn.assertExact(scrape);
                assertThat(scrape.sum(SENT, labels)).isEqualTo(steady.bytes());
                assertThat(scrape.sum("sonde_source_up", "source", "cri")).isEqualTo(1);
              });
      assertThat(agent.log())
          .containsOnlyOnce("source of names is gone")
          .contains("source of names answers");
      steady.close();
      runtime.removePod(sandbox);
    }
  }

  /** Writes slowly without end: blocks of 1,000 bytes, several a second. */
  private static Container steadySender(ByteSink sink) {
    return Container.of(
        "app",
        Containerd.BUSYBOX,
        "/bin/sh",
        "-c",
        "while :; do dd if=/dev/zero bs=1000 count=1 2>/dev/null; sleep 0.1; done | nc 127.0.0.1 "
            + sink.port());
  }

  @Test
  void aJvmsSeriesHaveTheNamesOfItsPod(@TempDir Path dir) throws IOException {
    JvmImage image = JvmImage.load(runtime, dir);
    Path logs = Files.createDirectories(dir.resolve("logs"));
    try (AgentProcess agent = agent()) {
      Pod pod = Pod.burstable("shop", "jvm-0");
      String sandbox = runtime.run(pod);
      runtime.start(sandbox, pod, image.container("collector", 7, sink.port(), logs));
      await("the collections").atMost(PATIENCE).until(() -> Files.exists(logs.resolve("done")));
      String[] labels = {"namespace", "shop", "pod", "jvm-0", "container", "collector", "unit", ""};
      awaitSum(agent, "sonde_jvm_gc_collections_total", 7, labels);
      double pauses;
      try (Stream<String> lines = Files.lines(logs.resolve("gc.log"))) {
        pauses = lines.filter(l -> l.contains("Pause ") && l.endsWith("ms")).count();
      }
      Scrape scrape = agent.fresh();
      assertThat(scrape.sum("sonde_jvm_gc_collections_total", labels)).isEqualTo(pauses);
      assertThat(scrape.sum(SENT, labels)).isEqualTo(JvmImage.BYTES);
      assertThat(scrape.sum(ON_CPU, labels)).isPositive();
      assertThat(scrape.sum("sonde_cpu_usage_seconds_total", labels)).isPositive();
      runtime.removePod(sandbox);
    }
  }

  /** Deleted and made again under its name while the old one still ends. */
  @Test
  void aPodOfTheSameNameRestartsTheSeries() {
    try (AgentProcess agent = agent()) {
      String[] labels = {"namespace", "shop", "pod", "db-0", "container", "app"};
      Pod first = Pod.burstable("shop", "db-0");
      String firstSandbox = runtime.run(first);
      runtime.start(firstSandbox, first, sender("app", 500));
      awaitSum(agent, SENT, 500_000, labels);

      Pod second = Pod.burstable("shop", "db-0");
      String secondSandbox = runtime.run(second, 1);
      runtime.start(secondSandbox, second, sender("app", 3));
      await("the series to begin anew")
          .atMost(PATIENCE)
          .untilAsserted(() -> assertThat(agent.scrape().sum(SENT, labels)).isEqualTo(3_000));
      Scrape both = agent.fresh();
      assertThat(both.samples(ON_CPU, labels)).as("one series a name").hasSize(1);
      assertThat(both.samples("sonde_cpu_usage_seconds_total", labels)).hasSize(1);
      assertThat(both.repeated()).isEmpty();
      assertThat(both.samples("sonde_pod_info", "pod", "db-0"))
          .extracting(s -> s.labels().get("uid"))
          .containsExactly(second.uid());
      double replaced = both.sum(ON_CPU, "unit", "~replaced");
      await("what the first still does")
          .atMost(PATIENCE)
          .until(() -> agent.scrape().sum(ON_CPU, "unit", "~replaced") > replaced);
      runtime.removePod(firstSandbox);
      runtime.removePod(secondSandbox);
      assertThat(agent.fresh().sum(SENT, labels)).isEqualTo(3_000);
    }
  }

  /** A container that is started again goes on in the sums of its pod. */
  @Test
  void aContainerThatIsStartedAgainGoesOn() {
    try (AgentProcess agent = agent("--stale-after", "1s")) {
      String[] labels = {"namespace", "shop", "pod", "again-0", "container", "app"};
      Pod pod = Pod.burstable("shop", "again-0");
      String sandbox = runtime.run(pod);
      String first = runtime.start(sandbox, pod, sender("app", 40));
      awaitSum(agent, SENT, 40_000, labels);
      runtime.calls().stop(first);
      runtime.calls().remove(first);
      await("its slot to be given back, twice over")
          .pollDelay(Duration.ofSeconds(4))
          .until(() -> true);
      assertThat(agent.fresh().sum(SENT, labels)).as("its pod lives").isEqualTo(40_000);
      Container again = sender("app", 2);
      runtime.start(
          sandbox, pod, new Container("app", 1, again.image(), again.command(), Map.of()));
      awaitSum(agent, SENT, 42_000, labels);
      assertThat(agent.fresh().sum(SENT, labels)).isEqualTo(42_000);
      runtime.removePod(sandbox);
      await("its series to end")
          .atMost(PATIENCE)
          .until(() -> agent.fresh().samples(SENT, labels).isEmpty());
    }
  }

  @Test
  void podsOfEveryKind() {
    try (AgentProcess agent = agent()) {
      String hash = UUID.randomUUID().toString().replace("-", "");
      Pod fixed =
          Pod.withUid("kube-system", "etcd-n1", hash)
              .withAnnotations(
                  Map.of("kubernetes.io/config.source", "file", "kubernetes.io/config.hash", hash));
      Pod hostPid = Pod.burstable("kube-system", "node-tool").withHostPid();
      Pod byHand = Pod.burstable("default", "by-hand").withCgroupParent("");
      Pod systemd = Pod.burstable("shop", "with-init");
      List<String> sandboxes = new ArrayList<>();
      for (Pod pod : List.of(fixed, hostPid, byHand)) {
        String sandbox = runtime.run(pod);
        sandboxes.add(sandbox);
        runtime.start(sandbox, pod, sender("app", 11));
      }
      // An init container that ends, then a sidecar and the container itself, and a late debugger.
      String sandbox = runtime.run(systemd);
      sandboxes.add(sandbox);
      Container init = sender("init", 5);
      runtime.start(
          sandbox,
          systemd,
          Container.of(
              "init", init.image(), "/bin/sh", "-c", init.command().getLast().split(";")[0]));
      runtime.start(sandbox, systemd, sender("sidecar", 6));
      runtime.start(sandbox, systemd, sender("app", 7));
      runtime.start(sandbox, systemd, sender("debugger", 8));
      // A container of another of containerd's namespaces is no pod's.
      String name = "plain-" + ProcessHandle.current().pid();
      runtime.ctr("tools", "images", "import", "--no-unpack", runtime.image().toString());
      runtime.ctr(
          "tools",
          "run",
          "-d",
          "--snapshotter",
          "native",
          "--net-host",
          Containerd.BUSYBOX,
          name,
          "/bin/sh",
          "-c",
          sender("x", 9).command().getLast());
      for (String container : List.of("init:5", "sidecar:6", "app:7", "debugger:8")) {
        String[] part = container.split(":");
        String[] labels = {"namespace", "shop", "pod", "with-init", "container", part[0]};
        awaitSum(agent, SENT, Integer.parseInt(part[1]) * 1000, labels);
      }
      for (Pod pod : List.of(fixed, hostPid, byHand)) {
        String[] labels = {"namespace", pod.namespace(), "pod", pod.name(), "container", "app"};
        awaitSum(agent, SENT, 11_000, labels);
      }
      awaitSum(agent, SENT, 9_000, "unit", "tools/" + name);
      Scrape scrape = agent.fresh();
      assertThat(scrape.samples("sonde_pod_info", "pod", "etcd-n1", "owner_kind", "Node"))
          .hasSize(1);
      assertThat(scrape.sum(SENT, "namespace", "shop", "pod", "with-init")).isEqualTo(26_000);
      runtime.ctr("tools", "tasks", "kill", "-s", "KILL", name);
      await("it to end")
          .atMost(PATIENCE)
          .until(() -> runtime.ctr("tools", "tasks", "ls").contains("STOPPED"));
      runtime.ctr("tools", "tasks", "rm", name);
      runtime.ctr("tools", "containers", "rm", name);
      sandboxes.forEach(runtime::removePod);
    }
  }

  /** As in a pod of its own: another view of cgroups, and other process ids. */
  @Test
  void anAgentInNamespacesOfItsOwn() {
    List<String> inside =
        List.of("unshare", "--cgroup", "--pid", "--fork", "--kill-child", "--mount");
    try (AgentProcess agent =
        AgentProcess.startWithin(inside, "--cri-endpoint", runtime.socket().toString())) {
      Pod pod = Pod.burstable("shop", "seen-0");
      String sandbox = runtime.run(pod);
      runtime.start(sandbox, pod, sender("app", 12));
      awaitSum(agent, SENT, 12_000, "namespace", "shop", "pod", "seen-0", "container", "app");
      runtime.removePod(sandbox);
    }
  }

  @Test
  void doctorSaysWhichSourceServes() {
    String served = doctor("--cri-endpoint", runtime.socket().toString());
    assertThat(served).containsPattern("cri +serves +\\(containerd [0-9.~a-z]+ at ");
    assertThat(served).containsPattern("kubelet +absent +\\(not configured");
    String absent = doctor("--cri-endpoint", "/nowhere/c.sock", "--json");
    assertThat(absent).containsPattern("\"source.cri\"[^}]*no socket at /nowhere/c.sock");
    assertThat(absent).containsPattern("\"source.cgroup\"[^}]*\"ok\"");
  }

  private static String doctor(String... flags) {
    List<String> command = new ArrayList<>(AgentProcess.java());
    command.add("doctor");
    command.addAll(List.of(flags));
    try {
      Process p = new ProcessBuilder(command).redirectErrorStream(true).start();
      String output = new String(p.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      var _ = p.waitFor();
      return output;
    } catch (IOException e) {
      throw new AssertionError(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError(e);
    }
  }
}
