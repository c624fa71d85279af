package dev.sonde.agent.truth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A configuration file that changes under a running agent, and where it listens. */
class ReloadIT {
  /** A bucket with a bound: the text of a native histogram alone has the one without. */
  private static final String CLASSIC = ",le=\"0.";

  private static final Duration PATIENCE = Duration.ofSeconds(10);

  @TempDir Path dir;

  @Test
  void takesOverWhatItCanAndNamesTheRest() throws Exception {
    Path file = Files.writeString(dir.resolve("sonde.yaml"), "log-level: info\n");
    try (PodCgroup pod = PodCgroup.create();
        AgentProcess agent = AgentProcess.start("--config", file.toString(), "--probes", "sched")) {
      pod.start("sh", "-c", "while :; do sleep 0.05; done");
      await("the pod's waits").atMost(PATIENCE).until(() -> waits(agent.scrape(), pod) > 0);
      Scrape before = agent.fresh();

      Files.writeString(file, "log-level: debug\nclassic-histograms: false\nstale-after: 7m\n");
      awaitReloads(agent, "applied", 1);
      Scrape after = agent.fresh();
      assertThat(after.text()).doesNotContain(CLASSIC);
      assertThat(before.text()).contains(CLASSIC);
      // stale-after is not taken over while it runs: said, counted, and the old value goes on
      assertThat(after.sum("sonde_config_restart_needed")).isEqualTo(1);
      assertThat(agent.log()).contains("wait_for_restart").contains("stale-after");
      assertThat(waits(after, pod)).isGreaterThanOrEqualTo(waits(before, pod));

      Files.writeString(file, "log-level: info\nclasic-histograms: true\n");
      awaitReloads(agent, "refused", 1);
      assertThat(agent.log())
          .contains(file + ":2:1: unknown key 'clasic-histograms'", "classic-histograms");
      assertThat(agent.fresh().text()).doesNotContain(CLASSIC);
      Files.delete(file);
      awaitReloads(agent, "refused", 2);
      assertThat(agent.log()).contains("no such file");

      Files.writeString(file, "classic-histograms: true\n");
      awaitReloads(agent, "applied", 2);
      Scrape last = agent.fresh();
      assertThat(last.text()).contains(CLASSIC);
      assertThat(last.sum("sonde_config_restart_needed")).isZero();
      assertThat(waits(last, pod)).isGreaterThanOrEqualTo(waits(after, pod));
    }
  }

  /** What stands where the file stood; after each the agent goes on as it was. */
  private interface Hostile {
    void put(Path file) throws Exception;
  }

  /** Each is refused with its reason, and the values from before stay in force. */
  @Test
  void refusesFilesThatAreNoConfiguration() throws Exception {
    Path file = dir.resolve("sonde.yaml");
    String good = "classic-histograms: false\n";
    Files.writeString(file, good);
    Map<String, Hostile> all = new LinkedHashMap<>();
    all.put("larger than 256 KiB", f -> Files.writeString(f, "# filled\n".repeat(100_000)));
    all.put("not UTF-8 text", f -> Files.write(f, new byte[] {'a', ':', ' ', (byte) 0xff, 0}));
    all.put(
        "special characters are not allowed",
        f -> Files.write(f, new byte[] {0x7f, 'E', 'L', 'F'}));
    all.put("not a file", Files::createDirectory);
    all.put(
        ":3:1: expected the node content",
        f -> Files.writeString(f, "log-level: info\nlog-level: {{{{{{{{\n"));
    all.put(
        ":1:14: found unknown escape character", f -> Files.writeString(f, "log-level: \"\\q\"\n"));
    all.put("has the tag !x", f -> Files.writeString(f, "log-level: !x info\n"));
    all.put("not a mapping", f -> Files.writeString(f, "[[[[]]]]\n"));
    all.put("cannot be set in a file", f -> Files.writeString(f, "config: /etc/passwd\n"));
    all.put("no such file", f -> Files.createSymbolicLink(f, dir.resolve("nowhere")));
    try (AgentProcess agent =
        AgentProcess.start("--config", file.toString(), "--probes", "sched")) {
      for (Map.Entry<String, Hostile> hostile : all.entrySet()) {
        Files.deleteIfExists(file); // maybe seen, and refused as well
        hostile.getValue().put(file);
        await(hostile.getKey())
            .atMost(PATIENCE)
            .until(() -> lastRefusal(agent).contains(hostile.getKey()));
        assertThat(lastRefusal(agent)).contains(file.toString());
        assertThat(agent.fresh().text()).as(hostile.getKey()).doesNotContain(CLASSIC);
      }
      // as a kubelet exchanges a ConfigMap: the link leads elsewhere, the file itself is older
      Files.deleteIfExists(file);
      Path older = Files.writeString(dir.resolve("older.yaml"), "classic-histograms: true\n");
      Files.setLastModifiedTime(older, FileTime.fromMillis(1_000_000_000_000L));
      Files.createSymbolicLink(file, older);
      awaitReloads(agent, "applied", 1);
      assertThat(agent.fresh().text()).contains(CLASSIC);
    }
  }

  private static String lastRefusal(AgentProcess agent) {
    String[] last = {""};
    agent.log().lines().filter(l -> l.contains("refused, the old one")).forEach(l -> last[0] = l);
    return last[0];
  }

  private static double waits(Scrape scrape, PodCgroup pod) {
    return scrape.sum("sonde_sched_run_queue_seconds_count", pod.labels());
  }

  private static void awaitReloads(AgentProcess agent, String result, int times) {
    await("configuration " + result)
        .atMost(PATIENCE)
        .until(
            () ->
                agent.scrape().sum("sonde_reloads_total", "what", "config", "result", result)
                    == times);
  }

  @Test
  void listensForOthersOnlyBehindAGuard() throws Exception {
    try (AgentProcess bare = AgentProcess.launch("--listen", "0.0.0.0:0")) {
      assertThat(bare.exit()).isEqualTo(2);
      assertThat(bare.log())
          .contains("--listen 0.0.0.0:0: others could reach this", "--token-file", "--insecure");
    }
    try (AgentProcess bare = AgentProcess.launch("--grpc-listen", "[::]:0")) {
      assertThat(bare.exit()).isEqualTo(2);
      assertThat(bare.log()).contains("--grpc-listen [::]:0: others could reach this");
    }
    Path empty = Files.writeString(dir.resolve("token"), "\n");
    try (AgentProcess guarded = AgentProcess.launch("--token-file", empty.toString())) {
      assertThat(guarded.exit()).isEqualTo(2);
      assertThat(guarded.log()).contains(empty + ": no token in it");
    }
    try (AgentProcess half = AgentProcess.launch("--tls-cert", empty.toString())) {
      assertThat(half.exit()).isEqualTo(2);
      assertThat(half.log()).contains("a certificate and its key are given together");
    }
  }
}
