package dev.sonde.agent.truth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;
import static org.awaitility.Awaitility.await;

import dev.sonde.agent.guest.Guest;
import dev.sonde.agent.guest.Patience;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What the host's tests prove on its own kernel and cgroups, on every kernel and with pure cgroup
 * v2: files, processes, kills, reclaim, starts. One agent for all of them.
 */
@Guest
class WorkloadGuest {
  private static final long MIB = 1 << 20;

  @TempDir static Path directory;
  private static AgentProcess agent;

  @BeforeAll
  static void startAgent() {
    agent = AgentProcess.start();
  }

  @AfterAll
  static void endAgent() {
    agent.close();
  }

  @Test
  void throttlingUsageAndPressureAreTheFiles() throws IOException {
    try (PodCgroup pod = PodCgroup.create()) {
      CpuFiles.limit(pod.directory());
      pod.start("sh", "-c", "while :; do :; done");
      pod.start("sh", "-c", "while :; do :; done");
      await("periods with throttling")
          .atMost(Patience.seconds(10))
          .until(() -> CpuFiles.read(pod).throttledPeriods() >= 10);
      agent.fresh();
      CpuFiles before = CpuFiles.read(pod);
      Psi psiBefore = Psi.read(pod.directory().resolve("cpu.pressure"));
      Scrape scrape = agent.fresh();
      CpuFiles after = CpuFiles.read(pod);
      Psi psiAfter = Psi.read(pod.directory().resolve("cpu.pressure"));
      CpuFiles.check(scrape, pod, before, after);
      double some =
          scrape.sum("sonde_pressure_seconds_total", pod.labels("resource", "cpu", "kind", "some"));
      System.out.printf(
          "proof: cpu pressure %.6f in [%.6f, %.6f]%n", some, psiBefore.some(), psiAfter.some());
      assertThat(some).isPositive().isBetween(psiBefore.some(), psiAfter.some());
    }
  }

  @Test
  void everyKindOfEndIsCountedOnce() throws IOException {
    Path program = Compiled.program(Files.createTempDirectory(directory, "c"), "processes");
    List<String> wrong = new ArrayList<>();
    for (String kind : ProcessIT.KINDS) {
      try (PodCgroup pod = PodCgroup.create()) {
        ProcessIT.Counts truth = ProcessIT.run(directory, pod, program, kind, 10, 0);
        ProcessIT.Counts counted = ProcessIT.Counts.of(agent.fresh(), pod);
        System.out.printf("proof: %s: counted %s, waited for %s%n", kind, counted, truth);
        if (!counted.equals(truth)) {
          wrong.add(kind + ": counted " + counted + ", but there were " + truth);
        }
      }
    }
    assertThat(wrong).isEmpty();
  }

  @Test
  void killsForWantOfMemoryAreCounted() throws IOException {
    try (PodCgroup pod = PodCgroup.create();
        PodCgroup other = PodCgroup.create();
        MemoryCgroup memory = MemoryCgroup.limit(pod, 16 * MIB)) {
      Path output = Files.createTempFile(directory, "hungry", ".out");
      other.start("sh", "-c", "sleep 100 & kill -9 $!; wait; sleep 1000");
      pod.start(
          output,
          "sh",
          "-c",
          memory.join()
              + "tail /dev/zero; tail /dev/zero; tail /dev/zero; sleep 100 & kill -9 $!; wait;"
              + " echo done; sleep 1000");
      awaitDone(output);
      Scrape scrape = agent.fresh();
      System.out.printf(
          "proof: memory.events counts %d kills, Sonde %.0f%n",
          memory.oomKills(), scrape.sum("sonde_oom_kills_total", pod.labels()));
      assertThat(memory.oomKills()).isEqualTo(3);
      assertThat(scrape.sum("sonde_oom_kills_total", pod.labels())).isEqualTo(3);
      assertThat(scrape.sum("sonde_oom_kills_total", other.labels())).isZero();
    }
  }

  @Test
  void reclaimIsWhatThePressureFileSays() throws IOException {
    Path large = Path.of(System.getProperty("java.home"), "lib", "modules");
    assumeThat(large).as("a file of 100 MB to read").exists();
    try (PodCgroup pod = PodCgroup.create();
        MemoryCgroup memory = MemoryCgroup.limit(pod, 12 * MIB)) {
      Path output = Files.createTempFile(directory, "reader", ".out");
      pod.start(
          output,
          "sh",
          "-c",
          memory.join() + "dd if=" + large + " of=/dev/null bs=64k; echo done; sleep 1000");
      awaitDone(output);
      Scrape scrape = agent.fresh();
      double reclaim = scrape.sum("sonde_memory_reclaim_seconds_total", pod.labels());
      Psi psi = Psi.read(pod.directory().resolve("memory.pressure"));
      System.out.printf(
          "proof: reclaim %.6f s, memory pressure %.6f s (%.1f%%)%n",
          reclaim, psi.some(), 100 * reclaim / psi.some());
      assertThat(reclaim).isPositive().isBetween(0.5 * psi.some(), 1.02 * psi.some());
    }
  }

  @Test
  void phasesOfAStart() throws IOException {
    Path server = Compiled.program(Files.createTempDirectory(directory, "c"), "server");
    Path output = directory.resolve("said");
    try (PodCgroup pod = PodCgroup.create()) {
      long begun = System.nanoTime();
      pod.start(server.toString(), output.toString(), "300", "200", "150", "100");
      ContainerStartIT.check(agent, pod, output, begun);
    }
  }

  private static void awaitDone(Path output) {
    await("the work to be done")
        .atMost(Patience.seconds(30))
        .until(() -> Files.readString(output).contains("done"));
  }
}
