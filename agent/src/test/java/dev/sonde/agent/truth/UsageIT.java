package dev.sonde.agent.truth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;
import static org.awaitility.Awaitility.await;

import dev.sonde.agent.KernelTest;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What the cgroups' own files say, read before and after the scrape. */
@KernelTest
@Timeout(120)
class UsageIT {
  private static final String USAGE = CpuFiles.USAGE;
  private static final String PRESSURE = "sonde_pressure_seconds_total";

  @TempDir Path directory;

  @Test
  void usageAndThrottlingAreTheFiles() throws IOException {
    try (AgentProcess agent = AgentProcess.start("--probes", "sched");
        PodCgroup limited = PodCgroup.create();
        PodCgroup free = PodCgroup.create()) {
      CpuFiles.limit(limited.directory());
      limited.start("sh", "-c", "while :; do :; done");
      free.start("sh", "-c", "while :; do :; done");
      await("periods with throttling")
          .atMost(Duration.ofSeconds(30))
          .until(() -> CpuFiles.read(limited).throttledPeriods() >= 15);
      agent.fresh(); // the container is known from here on
      CpuFiles before = CpuFiles.read(limited);
      CpuFiles freeBefore = CpuFiles.read(free);
      Scrape scrape = agent.fresh();
      CpuFiles after = CpuFiles.read(limited);
      CpuFiles freeAfter = CpuFiles.read(free);
      CpuFiles.check(scrape, limited, before, after);
      assertThat(scrape.sum(USAGE, free.labels())).isBetween(freeBefore.usage(), freeAfter.usage());
      // one that has no quota has no such series, rather than zeros
      assertThat(scrape.samples(CpuFiles.PERIODS, free.labels())).isEmpty();
      assertThat(scrape.samples(CpuFiles.THROTTLED, free.labels())).isEmpty();
    }
  }

  /** A pod's own cgroup and a cgroup that a container made inside itself: no time counts twice. */
  @Test
  void aParentsTimeIsNotCountedTwice() throws IOException {
    try (AgentProcess agent = AgentProcess.start("--probes", "sched");
        PodCgroup pod = PodCgroup.create()) {
      Process hog = pod.start("sh", "-c", "while :; do :; done");
      for (Path d : pod.directories()) {
        Path inner = Files.createDirectory(d.resolve("inner"));
        Files.writeString(inner.resolve("cgroup.procs"), Long.toString(hog.pid()));
      }
      await("some CPU time")
          .atMost(Duration.ofSeconds(20))
          .until(() -> CpuFiles.read(pod).usage() > 0.5);
      agent.fresh();
      CpuFiles before = CpuFiles.read(pod);
      Scrape scrape = agent.fresh();
      CpuFiles after = CpuFiles.read(pod);
      // every series of this pod, whatever its container, and of the levels above it
      assertThat(scrape.sum(USAGE, "pod", pod.pod())).isBetween(before.usage(), after.usage());
      assertThat(scrape.samples(USAGE, "pod", pod.pod())).hasSize(1);
      for (String level : List.of("/", "kubepods", "kubepods/burstable")) {
        assertThat(scrape.samples(USAGE, "unit", level)).as("usage of unit %s", level).isEmpty();
      }
    }
  }

  /** What was counted stays when the cgroup goes. */
  @Test
  void anEndedContainerKeepsWhatItUsed() {
    try (AgentProcess agent = AgentProcess.start("--probes", "sched")) {
      double counted;
      String name;
      try (PodCgroup pod = PodCgroup.create()) {
        name = pod.pod();
        pod.start("sh", "-c", "while :; do :; done");
        await("some CPU time")
            .atMost(Duration.ofSeconds(20))
            .until(() -> CpuFiles.read(pod).usage() > 0.3);
        counted = agent.fresh().sum(USAGE, "pod", name);
        assertThat(counted).isPositive();
      }
      Scrape later = agent.fresh();
      await("the agent to see that it is gone")
          .during(Duration.ofSeconds(2))
          .atMost(Duration.ofSeconds(4))
          .until(() -> true);
      Scrape last = agent.fresh();
      assertThat(later.sum(USAGE, "pod", name)).isGreaterThanOrEqualTo(counted);
      assertThat(last.sum(USAGE, "pod", name))
          .isGreaterThanOrEqualTo(later.sum(USAGE, "pod", name));
    }
  }

  /** A stall of four processes that want one CPU's fifth. */
  @Test
  void pressureIsTheFilesAndTheNodesIsProcs() throws IOException {
    assumeThat(Path.of("/proc/pressure/cpu"))
        .as("a kernel with PSI (CONFIG_PSI, and not psi=0)")
        .exists();
    try (AgentProcess agent = AgentProcess.start("--probes", "sched");
        PodCgroup pod = PodCgroup.create()) {
      CpuFiles.limit(pod.directory());
      for (int i = 0; i < 4; i++) {
        pod.start("taskset", "-c", "0", "sh", "-c", "while :; do :; done");
      }
      Path v2 =
          pod.directories().stream()
              .filter(d -> Files.exists(d.resolve("cpu.pressure")))
              .findFirst()
              .orElseThrow();
      await("pressure")
          .atMost(Duration.ofSeconds(30))
          .until(() -> Psi.read(v2.resolve("cpu.pressure")).some() > 1);
      agent.fresh();
      for (String resource : List.of("cpu", "memory", "io")) {
        Path cgroup = v2.resolve(resource + ".pressure");
        Path node = Path.of("/proc/pressure", resource);
        Psi before = Psi.read(cgroup);
        Psi nodeBefore = Psi.read(node);
        Scrape scrape = agent.fresh();
        Psi after = Psi.read(cgroup);
        Psi nodeAfter = Psi.read(node);
        for (String kind : List.of("some", "full")) {
          String[] more = {"resource", resource, "kind", kind};
          double is = scrape.sum(PRESSURE, pod.labels(more));
          double nodeIs = scrape.sum(PRESSURE, "unit", "/", "resource", resource, "kind", kind);
          System.out.printf(
              "proof: %s %s: %.6f in [%.6f, %.6f]; node %.6f in [%.6f, %.6f]%n",
              resource,
              kind,
              is,
              before.of(kind),
              after.of(kind),
              nodeIs,
              nodeBefore.of(kind),
              nodeAfter.of(kind));
          assertThat(scrape.samples(PRESSURE, pod.labels(more))).hasSize(1);
          assertThat(is).isBetween(before.of(kind), after.of(kind));
          assertThat(nodeIs).isBetween(nodeBefore.of(kind), nodeAfter.of(kind));
        }
      }
    }
  }

  /** The process nearest to its limit, not the one with the most descriptors. */
  @Test
  void openFilesAreTheNearestProcess() throws IOException {
    try (AgentProcess agent = AgentProcess.start("--probes", "sched");
        PodCgroup pod = PodCgroup.create()) {
      Process many = opener(pod, 4000, 100);
      Process near = opener(pod, 64, 40);
      await("both to have opened their files")
          .atMost(Duration.ofSeconds(20))
          .until(() -> descriptors(many.pid()) >= 100 && descriptors(near.pid()) >= 40);
      Scrape scrape = agent.fresh();
      System.out.printf(
          "proof: open files %.0f of %.0f; /proc says %d of 64 and %d of 4000%n",
          scrape.sum("sonde_open_files", pod.labels()),
          scrape.sum("sonde_open_files_limit", pod.labels()),
          descriptors(near.pid()),
          descriptors(many.pid()));
      assertThat(scrape.sum("sonde_open_files", pod.labels())).isEqualTo(descriptors(near.pid()));
      assertThat(scrape.sum("sonde_open_files_limit", pod.labels())).isEqualTo(64);
      near.destroyForcibly();
      await("its end").until(() -> !near.isAlive());
      Scrape after = agent.fresh();
      assertThat(after.sum("sonde_open_files", pod.labels())).isEqualTo(descriptors(many.pid()));
      assertThat(after.sum("sonde_open_files_limit", pod.labels())).isEqualTo(4000);
    }
  }

  /** A shell that opens files and then waits without starting anything. */
  private Process opener(PodCgroup pod, int limit, int files) throws IOException {
    Path script = directory.resolve("opener-" + limit + ".bash");
    Files.writeString(
        script,
        "ulimit -Sn %d; for i in $(seq %d); do exec {fd}< /dev/null; done; read -r line"
            .formatted(limit, files),
        StandardCharsets.US_ASCII);
    return pod.start("bash", script.toString());
  }

  private static long descriptors(long pid) throws IOException {
    try (Stream<Path> fds = Files.list(Path.of("/proc/" + pid + "/fd"))) {
      return fds.count();
    }
  }
}
