package dev.sonde.agent.truth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** How the agent ends, and how it meets what is broken. */
class LifecycleIT {
  @TempDir Path dir;

  @Test
  void sigtermLeavesNothingInTheKernel() {
    try (AgentProcess agent = AgentProcess.start()) {
      KernelIds held = held(agent);
      assertThat(agent.terminate()).as(agent.log()).isIn(0, 143);
      assertGone(held);
    }
  }

  @Test
  void sigkillLeavesNothingInTheKernel() {
    try (AgentProcess agent = AgentProcess.start()) {
      KernelIds held = held(agent);
      agent.process().destroyForcibly();
      agent.exit();
      assertGone(held);
    }
  }

  private static KernelIds held(AgentProcess agent) {
    KernelIds held = KernelIds.of(agent.process().pid());
    assertThat(held.programs()).hasSizeGreaterThanOrEqualTo(8);
    assertThat(held.links()).hasSizeGreaterThanOrEqualTo(7);
    assertThat(held.maps()).hasSizeGreaterThanOrEqualTo(8);
    assertThat(held.alive()).isNotEmpty();
    return held;
  }

  /** The kernel frees programs after an RCU grace period, not at once. */
  private static void assertGone(KernelIds held) {
    await("programs, maps and links to be freed")
        .atMost(Duration.ofSeconds(20))
        .untilAsserted(() -> assertThat(held.alive()).isEmpty());
  }

  @Test
  void aSecondAgentSaysWhoIsInItsWay() {
    try (AgentProcess first = AgentProcess.start();
        AgentProcess second = AgentProcess.launch("--listen", "127.0.0.1:" + first.port())) {
      assertThat(second.exit()).isEqualTo(4);
      assertThat(second.log())
          .contains(
              "--listen 127.0.0.1:" + first.port() + ": the port is taken", "another sonde agent");
      assertThat(first.get("/readyz").statusCode()).isEqualTo(200);
    }
    try (AgentProcess first = AgentProcess.start();
        AgentProcess second =
            AgentProcess.launch("--grpc-listen", "127.0.0.1:" + first.grpcPort())) {
      assertThat(second.exit()).isEqualTo(4);
      assertThat(second.log())
          .contains("--grpc-listen 127.0.0.1:" + first.grpcPort() + ": the port is taken");
    }
  }

  /** A damaged object costs its own probes, says so, and nothing else. */
  @Test
  void aCorruptObjectCostsItsOwnProbesOnly() throws IOException, InterruptedException {
    Path objects =
        Files.createDirectories(
            dir.resolve(
                "dev/sonde/bpf/" + System.getProperty("os.arch").replace("amd64", "x86_64")));
    Files.write(objects.resolve("tcp.bpf.o"), "this is no object".getBytes(StandardCharsets.UTF_8));
    List<String> command = new ArrayList<>(AgentProcess.java());
    int classPath = command.indexOf("-cp") + 1;
    command.set(classPath, dir + File.pathSeparator + command.get(classPath));
    command.addAll(List.of("doctor", "--json"));
    Process doctor = new ProcessBuilder(command).redirectError(dir.resolve("err").toFile()).start();
    String report = new String(doctor.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(doctor.waitFor()).as(report).isEqualTo(1);
    assertThat(report).contains("open BPF object tcp (17 bytes)", "\"verdict\" : \"degraded\"");
    assertThat(report).containsPattern("\"sched\"[^}]*tp_btf");
  }
}
