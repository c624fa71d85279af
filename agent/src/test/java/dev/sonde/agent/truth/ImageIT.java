package dev.sonde.agent.truth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The image under runc, with exactly the security context of daemonset.yaml: what it shows, what
 * goes with each capability, and how it ends.
 */
class ImageIT {
  /** The target of issue and docs; measured in docs/footprint.md. */
  private static final long MOST_BYTES = 120_000_000;

  private static Path rootfs = Path.of("/");

  @TempDir Path dir;

  @BeforeAll
  static void build() throws IOException {
    rootfs = DeployImage.rootfs();
    work = Files.createTempDirectory(Path.of("/var/tmp"), "sonde-image");
    load = PodLoad.start(work);
  }

  private static Path work = Path.of("/");
  private static PodLoad load;

  @AfterAll
  static void stop() throws IOException {
    load.close();
    Command.run("rm", "-rf", work.toString());
  }

  private DeployedAgent start(DeployedAgent.Change change) {
    return DeployedAgent.start(dir, rootfs, b -> change.apply(Capable.ofThisHost(b)));
  }

  @Test
  void isSmall() throws IOException {
    long bytes = DeployImage.compressedBytes();
    TcpMoved.proof("image: %d bytes compressed", bytes);
    assertThat(bytes).isLessThan(MOST_BYTES);
  }

  @Test
  void holdsItsLicencesAndNoJarWithout() {
    Path home = rootfs.resolve("opt/sonde");
    assertThat(home.resolve("THIRD-PARTY.txt")).content().contains("libbpf1", "one-nio", "jna");
    assertThat(home.resolve("LICENSE")).exists();
    assertThat(home.resolve("LICENSES/GPL-2.0-only.txt")).exists();
    assertThat(home.resolve("runtime/legal")).isDirectory();
    assertThat(home.resolve("native/libjnidispatch.so")).exists();
    assertThat(home.resolve("sonde.aot")).exists();
  }

  @Test
  void showsThePodsOfTheNode() throws IOException {
    try (DeployedAgent agent = start(b -> b)) {
      awaitAll(agent);
      Scrape scrape = agent.fresh();
      assertThat(scrape.sum("sonde_jvm_gc_collections_total", load.jvm().labels()))
          .isEqualTo(load.collections());
      assertThat(down(scrape)).as(agent.log()).isEmpty();
      // a write anywhere would have failed and said so
      assertThat(agent.log()).doesNotContain("Read-only file system", "WARNING", "level=error");
    }
  }

  /** It was made where no probe could attach. */
  @Test
  void itsCacheHoldsWhatReadsProbes() {
    try (DeployedAgent agent = start(b -> b.withJava("-Xlog:class+load"))) {
      awaitAll(agent);
      List<String> loaded =
          agent.log().lines().filter(l -> l.contains(" dev.sonde.agent.probe.")).toList();
      assertThat(loaded).anyMatch(l -> l.contains("TcpProbe "));
      assertThat(loaded).anyMatch(l -> l.contains("TcpProbe$$Lambda"));
      assertThat(loaded)
          .filteredOn(l -> !l.contains("$$TypeSwitch"))
          .allMatch(l -> l.endsWith("source: shared objects file"));
    }
  }

  /** The profile that the repository brings for runtimes whose default refuses bpf(2). */
  @Test
  void showsTheSameUnderTheProfileOfTheRepository() {
    try (DeployedAgent agent = start(DeployBundle::withOwnProfile)) {
      awaitAll(agent);
      assertThat(down(agent.scrape())).as(agent.log()).isEmpty();
    }
  }

  private static void awaitAll(DeployedAgent agent) {
    await("all there is to see")
        .atMost(Duration.ofSeconds(30))
        .untilAsserted(
            () -> assertThat(Features.of(agent.scrape(), load)).doesNotContainValue(false));
  }

  /** The table of docs/security.md for this machine's kind of kernel (6.2 and later). */
  @ParameterizedTest(name = "without {0}: no {1}")
  @CsvSource({
    "BPF, TCP SCHEDULER, true",
    "PERFMON, TCP SCHEDULER, true",
    "SYS_PTRACE, JVM, false",
    "DAC_READ_SEARCH, JVM, false",
    "CHECKPOINT_RESTORE, JVM, false",
  })
  void aCapabilityLessCostsWhatTheDocsSay(String capability, String gone, boolean probes) {
    Set<String> expected = new TreeSet<>(List.of(gone.split(" ")));
    try (DeployedAgent agent = start(b -> b.without(capability))) {
      await("everything but " + gone)
          .atMost(Duration.ofSeconds(30))
          .untilAsserted(() -> assertThat(off(agent.scrape())).isEqualTo(expected));
      // and it stays so: what is off does not come late
      Scrape scrape = agent.fresh();
      assertThat(off(scrape)).isEqualTo(expected);
      assertThat(down(scrape).isEmpty()).as("%s", down(scrape)).isNotEqualTo(probes);
      // it says so
      assertThat(agent.log()).contains("CAP_" + capability);
    }
  }

  private static Set<String> off(Scrape scrape) {
    Set<String> off = new TreeSet<>();
    for (Map.Entry<Features, Boolean> e : Features.of(scrape, load).entrySet()) {
      if (!e.getValue()) {
        off.add(e.getKey().name());
      }
    }
    return off;
  }

  /**
   * Probes without any mechanism up; but not the one that has only fexit and kprobes, which a
   * kernel may refuse whoever asks.
   */
  private static Set<String> down(Scrape scrape) {
    Set<String> down = new TreeSet<>();
    Set<String> up = new TreeSet<>();
    for (Scrape.Sample s : scrape.samples("sonde_probe_up")) {
      (s.value() == 1 ? up : down).add(s.labels().getOrDefault("probe", ""));
    }
    down.removeAll(up);
    down.remove("tcp_accept");
    return down;
  }

  @Test
  void endsWithinItsGracePeriodAndLeavesNothing() {
    long grace =
        java.util.Objects.requireNonNull(
            DeployManifest.read().pod().getTerminationGracePeriodSeconds());
    try (DeployedAgent agent = start(b -> b)) {
      KernelIds held = KernelIds.of(agent.pid());
      assertThat(held.alive()).isNotEmpty();
      agent.kill("TERM");
      assertThat(agent.exit(grace)).as(agent.log()).isIn(0, 143);
      assertGone(held);
    }
    try (DeployedAgent agent = start(b -> b)) {
      KernelIds held = KernelIds.of(agent.pid());
      agent.kill("KILL");
      agent.exit(grace);
      assertGone(held);
    }
  }

  private static void assertGone(KernelIds held) {
    await("programs, maps and links to be freed")
        .atMost(Duration.ofSeconds(20))
        .untilAsserted(() -> assertThat(held.alive()).isEmpty());
  }

  /** The kernel kills it for memory; the kubelet starts it again; Prometheus sees counters fall. */
  @Test
  void aKillForMemoryReadsAsAReset() throws Exception {
    Scrape before;
    try (DeployedAgent agent = start(b -> b)) {
      awaitAll(agent);
      long pid = agent.pid();
      KernelIds held = KernelIds.of(pid);
      before = agent.fresh();
      Path cgroup = MemoryOf.cgroup(agent.pid());
      Files.writeString(Path.of("/proc/" + agent.pid() + "/oom_score_adj"), "1000");
      Process eater =
          new ProcessBuilder(
                  "sh",
                  "-c",
                  "echo $$ > "
                      + cgroup.resolve("cgroup.procs")
                      + "; head -c 900m /dev/zero | tail -c 900m")
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .start();
      try {
        assertThat(agent.exit(30)).as(agent.log()).isEqualTo(137);
        // its cgroup is gone with it, and the count of kills therein
        assertThat(Command.run("dmesg")).contains("Killed process " + pid + " ");
      } finally {
        eater.descendants().forEach(ProcessHandle::destroyForcibly);
        eater.destroyForcibly().waitFor();
      }
      assertGone(held);
    }
    try (DeployedAgent agent = start(b -> b)) {
      Scrape after = agent.scrape();
      // what Prometheus takes for a reset: less than before
      for (String counter :
          List.of(TcpMoved.SENT, "sonde_sched_run_queue_seconds_count", "sonde_snapshots_total")) {
        assertThat(after.sum(counter)).as(counter).isLessThan(before.sum(counter));
      }
      awaitAll(agent);
      // what comes from the kernel's and the JVM's own books goes on where it was
      assertThat(agent.scrape().sum("sonde_jvm_gc_collections_total", load.jvm().labels()))
          .isEqualTo(load.collections());
    }
  }

  @Test
  void takesOverAConfigurationAndATokenWithoutLosingCounts() throws IOException {
    try (DeployedAgent agent = start(b -> b)) {
      awaitAll(agent);
      assertThat(agent.status("/metrics", "")).isEqualTo(401);
      assertThat(agent.status("/metrics", "not-the-token-at-all")).isEqualTo(401);
      assertThat(agent.status("/healthz", "")).isEqualTo(200);
      Scrape before = agent.fresh();
      assertThat(before.sum("sonde_access_refused_total", "port", "http", "reason", "unauthorized"))
          .isEqualTo(2);
      agent.configure("log-level: debug\nsnapshot-interval: 300ms\nmax-workloads: 4096\n");
      awaitReloads(agent, "config", "applied", 1);
      agent.configure("log-level: debug\nsnapshot-interval: soon\n");
      awaitReloads(agent, "config", "refused", 1);
      assertThat(agent.log())
          .contains(
              "/etc/sonde/sonde.yaml:2:1", "snapshot-interval: soon", "max-workloads", "refused");
      String newer = "fedcba9876543210-image-test";
      agent.token(newer + "\n");
      await("the new token to be known")
          .atMost(Duration.ofSeconds(10))
          .until(() -> agent.status("/metrics", newer) == 200);
      assertThat(agent.status("/metrics", DeployedAgent.TOKEN)).isEqualTo(401);
      Scrape after = agent.scrape(newer);
      assertThat(after.sum(TcpMoved.SENT, load.shell().labels()))
          .isGreaterThanOrEqualTo(before.sum(TcpMoved.SENT, load.shell().labels()));
      assertThat(after.sum("sonde_snapshots_total"))
          .isGreaterThan(before.sum("sonde_snapshots_total"));
      assertThat(after.sum("sonde_config_restart_needed")).isEqualTo(1);
      assertThat(agent.log().lines().filter(l -> l.contains("refused 10.199")).count())
          .as("one line for each set of credentials:%n%s", agent.log())
          .isBetween(1L, 2L);
    }
  }

  private static void awaitReloads(DeployedAgent agent, String what, String result, int times) {
    await(what + " " + result)
        .atMost(Duration.ofSeconds(10))
        .until(
            () ->
                agent.scrape().sum("sonde_reloads_total", "what", what, "result", result) == times);
  }
}
