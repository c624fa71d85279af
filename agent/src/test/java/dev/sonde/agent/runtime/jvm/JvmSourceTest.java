package dev.sonde.agent.runtime.jvm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.sonde.agent.workload.CgroupHierarchy;
import dev.sonde.agent.workload.CgroupPath;
import dev.sonde.agent.workload.PodLife;
import dev.sonde.exporter.model.Workload;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class JvmSourceTest {
  private static final Duration STALE = Duration.ofMinutes(5);
  private static final Workload WEB = Workload.unit("web.service");
  private static final Workload JOB = Workload.unit("job.service");
  private static final String WEB_PATH = "/system.slice/web.service";
  private static final String JOB_PATH = "/system.slice/job.service";
  private static final String COUNT = "sonde_jvm_gc_collections_total";
  private static final String[] YOUNG = {"gc", "g1_young"};

  @TempDir Path dir;
  private FakeProc proc;
  private Path cgroups;
  private final AtomicLong nanos = new AtomicLong(-5);
  private final Map<String, Workload> named = new HashMap<>();
  private final Pods pods = new Pods();
  private JvmSource source;

  /** Which pods are said to live, and which to be replaced. */
  private static final class Pods implements PodLife {
    private String live = "none";
    private String replaced = "none";

    @Override
    public boolean replaced(Workload workload) {
      return workload.uid().equals(replaced);
    }

    @Override
    public boolean podLives(Workload workload) {
      return workload.uid().equals(live);
    }

    @Override
    public long staleNanos() {
      return STALE.toNanos();
    }
  }

  @BeforeEach
  void open() throws IOException {
    proc = new FakeProc(Files.createDirectories(dir.resolve("proc")));
    cgroups = Files.createDirectories(dir.resolve("cgroup"));
    Files.createDirectories(cgroups.resolve("system.slice/web.service"));
    Files.createDirectories(cgroups.resolve("system.slice/job.service"));
    CgroupHierarchy hierarchy =
        new CgroupHierarchy(CgroupHierarchy.Kind.V2, cgroups, "/", "/", false);
    source = new JvmSource(proc.proc(), hierarchy, this::owner, pods, STALE, nanos::get);
  }

  private Workload owner(String path) {
    return named.getOrDefault(path, CgroupPath.workload(path));
  }

  private Collected after(long seconds) {
    nanos.addAndGet(seconds * 1_000_000_000L);
    return Collected.from(source);
  }

  private void jvm(int pid, String cgroup, PerfFile data) throws IOException {
    proc.process(pid, 1000 + pid, cgroup, "java");
    proc.map(pid, data.array());
  }

  @Test
  void showsEveryMetricOfTheContract() throws IOException {
    jvm(20, WEB_PATH, PerfFile.g1(3, 40, 5, 60));
    Collected c = after(0);
    assertThat(c.get(COUNT, WEB, YOUNG)).isEqualTo(3);
    assertThat(c.get("sonde_jvm_gc_time_seconds_total", WEB, YOUNG)).isEqualTo(0.040);
    assertThat(c.get("sonde_jvm_safepoints_total", WEB)).isEqualTo(5);
    assertThat(c.get("sonde_jvm_safepoint_time_seconds_total", WEB)).isEqualTo(0.0605);
    assertThat(c.get("sonde_jvm_heap_bytes", WEB, "kind", "used")).isEqualTo(111);
    assertThat(c.get("sonde_jvm_heap_bytes", WEB, "kind", "committed")).isEqualTo(12_288);
    assertThat(c.get("sonde_jvm_heap_bytes", WEB, "kind", "max")).isEqualTo(1_048_576);
    assertThat(
            c.get(
                "sonde_jvm_info",
                WEB,
                "version",
                "25.0.3",
                "vendor",
                "Eclipse Adoptium",
                "gc",
                "g1"))
        .isEqualTo(1);
    assertThat(c.get("sonde_jvm_source", WEB, "source", "hsperf")).isEqualTo(1);
  }

  @Test
  void jvmsOfOneContainerAreOneSeriesAndOthersAreNot() throws IOException {
    jvm(20, WEB_PATH, PerfFile.g1(3, 40, 5, 60));
    jvm(21, WEB_PATH, PerfFile.g1(4, 1, 1, 1));
    jvm(22, JOB_PATH, PerfFile.g1(100, 1, 1, 1));
    proc.process(23, 5, WEB_PATH, "sh");
    Collected c = after(0);
    assertThat(c.get(COUNT, WEB, YOUNG)).isEqualTo(7);
    assertThat(c.get(COUNT, JOB, YOUNG)).isEqualTo(100);
    assertThat(c.get("sonde_jvm_heap_bytes", WEB, "kind", "used")).isEqualTo(222);
    assertThat(c.get("sonde_jvm_source", WEB, "source", "hsperf")).isEqualTo(2);
  }

  @Test
  void totalsOfAnEndedJvmStayAndItsGaugesGo() throws IOException {
    jvm(20, WEB_PATH, PerfFile.g1(3, 40, 5, 60));
    jvm(21, WEB_PATH, PerfFile.g1(4, 1, 1, 1));
    after(0);
    proc.map(20, PerfFile.g1(10, 50, 6, 70).array());
    assertThat(after(1).get(COUNT, WEB, YOUNG)).isEqualTo(14);
    proc.exit(20);
    Collected c = after(1);
    assertThat(c.get(COUNT, WEB, YOUNG)).isEqualTo(14);
    assertThat(c.get("sonde_jvm_heap_bytes", WEB, "kind", "used")).isEqualTo(111);
    proc.exit(21);
    c = after(1);
    assertThat(c.get(COUNT, WEB, YOUNG)).isEqualTo(14);
    assertThat(c.get("sonde_jvm_heap_bytes", WEB, "kind", "used")).isNaN();
    assertThat(c.get("sonde_jvm_source", WEB, "source", "hsperf")).isNaN();
    // A restart in the same container goes on from there.
    jvm(30, WEB_PATH, PerfFile.g1(1, 1, 1, 1));
    assertThat(after(1).get(COUNT, WEB, YOUNG)).isEqualTo(15);
  }

  @Test
  void aReusedPidIsAnotherJvm() throws IOException {
    jvm(20, WEB_PATH, PerfFile.g1(10, 40, 5, 60));
    after(0);
    proc.process(20, 99_999, JOB_PATH, "java");
    proc.map(20, PerfFile.g1(4, 1, 1, 1).array());
    after(1);
    Collected c = after(1);
    assertThat(c.get(COUNT, WEB, YOUNG)).isEqualTo(10);
    assertThat(c.get(COUNT, JOB, YOUNG)).isEqualTo(4);
  }

  @Test
  void execOfAnotherJvmInTheSameProcessIsSeen() throws IOException {
    jvm(20, WEB_PATH, PerfFile.g1(10, 40, 5, 60));
    after(0);
    proc.unmap(20);
    after(1);
    proc.map(20, PerfFile.g1(2, 1, 1, 1).array());
    assertThat(after(5).get(COUNT, WEB, YOUNG)).isEqualTo(12);
  }

  @Test
  void aJvmThatMapsItsFileLateIsFound() throws IOException {
    proc.process(20, 1, WEB_PATH, "java");
    assertThat(after(0).has(WEB)).isFalse();
    proc.map(20, PerfFile.g1(1, 1, 1, 1).array());
    assertThat(after(1).get(COUNT, WEB, YOUNG)).isEqualTo(1);
  }

  @Test
  void aShellThatBecomesAJvmLateIsFound() throws IOException {
    proc.process(20, 1, WEB_PATH, "sh");
    for (int i = 0; i < 60; i++) {
      assertThat(after(1).has(WEB)).isFalse();
    }
    proc.process(20, 1, WEB_PATH, "java");
    proc.map(20, PerfFile.g1(1, 1, 1, 1).array());
    for (int i = 0; i < 30; i++) {
      after(1);
    }
    assertThat(after(1).get(COUNT, WEB, YOUNG)).isEqualTo(1);
  }

  @Test
  void aJvmThatMovesTakesOnlyItsFutureAlong() throws IOException {
    jvm(20, WEB_PATH, PerfFile.g1(10, 40, 5, 60));
    after(0);
    proc.process(20, 1020, JOB_PATH, "java");
    proc.map(20, PerfFile.g1(13, 41, 5, 60).array());
    Collected c = after(1);
    assertThat(c.get(COUNT, WEB, YOUNG)).isEqualTo(10);
    assertThat(c.get(COUNT, JOB, YOUNG)).isEqualTo(3);
  }

  @Test
  void whatCannotBeReadDisturbsNobody() throws IOException {
    jvm(20, WEB_PATH, PerfFile.g1(3, 40, 5, 60));
    proc.process(21, 1, JOB_PATH, "java");
    proc.map(21, new byte[100]);
    proc.process(22, 1, JOB_PATH, "java");
    proc.map(22, PerfFile.g1(1, 1, 1, 1).array());
    proc.mountedOn(22, "fuse.evil");
    Collected c = after(0);
    assertThat(c.get(COUNT, WEB, YOUNG)).isEqualTo(3);
    assertThat(c.get("sonde_jvm_source", JOB, "source", "none")).isEqualTo(1);
    assertThat(c.get(COUNT, JOB, YOUNG)).isNaN();
    // It only was still starting.
    proc.map(21, PerfFile.g1(1, 1, 1, 1).array());
    c = after(1);
    assertThat(c.get("sonde_jvm_source", JOB, "source", "none")).isNaN();
    assertThat(c.get(COUNT, JOB, YOUNG)).isEqualTo(1);
  }

  @Test
  void aFileCutShortIsNotCountedTwiceWhenItIsBack() throws IOException {
    jvm(20, WEB_PATH, PerfFile.g1(10, 40, 5, 60));
    after(0);
    proc.map(20, new byte[40]);
    assertThat(after(1).get(COUNT, WEB, YOUNG)).isEqualTo(10);
    proc.map(20, PerfFile.g1(11, 40, 5, 60).array());
    assertThat(after(1).get(COUNT, WEB, YOUNG)).isEqualTo(11);
  }

  @Test
  void countersThatFallNeverTakeTheSumsDown() throws IOException {
    jvm(20, WEB_PATH, PerfFile.g1(10, 40, 5, 60));
    after(0);
    proc.map(20, PerfFile.g1(2, 1, 1, 1).array());
    assertThat(after(1).get(COUNT, WEB, YOUNG)).isEqualTo(10);
    proc.map(20, PerfFile.g1(3, 2, 2, 2).array());
    Collected c = after(1);
    assertThat(c.get(COUNT, WEB, YOUNG)).isEqualTo(11);
    assertThat(c.get("sonde_jvm_gc_time_seconds_total", WEB, YOUNG))
        .isEqualTo(0.041, within(1e-12));
  }

  @Test
  void aPodCannotInflateTheLabelsOfItsKinds() throws IOException {
    for (int i = 0; i < 20; i++) {
      jvm(20 + i, WEB_PATH, PerfFile.g1(1, 1, 1, 1).put("java.property.java.version", "v" + i));
    }
    Collected c = after(0);
    assertThat(
            c.get("sonde_jvm_info", WEB, "version", "~other", "vendor", "~other", "gc", "~other"))
        .isEqualTo(12);
    jvm(60, JOB_PATH, PerfFile.g1(1, 1, 1, 1).put("java.property.java.vm.vendor", "a\nb"));
    assertThat(
            after(1).get("sonde_jvm_info", JOB, "version", "25.0.3", "vendor", "a_b", "gc", "g1"))
        .isEqualTo(1);
  }

  @Test
  void theSumsOfARemovedContainerEndAfterAWhile() throws IOException {
    jvm(20, WEB_PATH, PerfFile.g1(3, 40, 5, 60));
    jvm(21, JOB_PATH, PerfFile.g1(3, 40, 5, 60));
    after(0);
    proc.exit(20);
    proc.exit(21);
    Files.delete(cgroups.resolve("system.slice/web.service"));
    assertThat(after(1).has(WEB)).isTrue();
    assertThat(after(STALE.toSeconds() - 1).has(WEB)).isTrue();
    Collected c = after(1);
    assertThat(c.has(WEB)).isFalse();
    assertThat(c.has(JOB)).as("its cgroup is still there").isTrue();
  }

  /** What an ended container of a pod did stays in its sums while any of its containers lives. */
  @Test
  void theSumsOfAnEndedContainerStayWhileItsPodLives() throws IOException {
    Workload app = new Workload("shop", "web-0", "app", "", "uid");
    named.put(WEB_PATH, app);
    pods.live = "uid";
    jvm(20, WEB_PATH, PerfFile.g1(3, 40, 5, 60));
    after(0);
    proc.exit(20);
    Files.delete(cgroups.resolve("system.slice/web.service"));
    assertThat(after(3 * STALE.toSeconds()).get(COUNT, app, YOUNG)).isEqualTo(3);
    pods.live = "none";
    assertThat(after(1).has(app)).isTrue();
    assertThat(after(STALE.toSeconds() - 1).has(app)).isTrue();
    assertThat(after(1).has(app)).isFalse();
  }

  @Test
  void aReplacedPodEndsAtOnce() throws IOException {
    Workload app = new Workload("shop", "web-0", "app", "", "uid");
    named.put(WEB_PATH, app);
    jvm(20, WEB_PATH, PerfFile.g1(3, 40, 5, 60));
    after(0);
    named.put(WEB_PATH, Workload.unit("~replaced"));
    pods.replaced = "uid";
    proc.map(20, PerfFile.g1(5, 40, 5, 60).array());
    Collected c = after(1);
    assertThat(c.has(app)).isFalse();
    assertThat(c.get(COUNT, Workload.unit("~replaced"), YOUNG)).isEqualTo(2);
  }

  /** What was counted by ids stands still for a while, though its cgroup lives on by name. */
  @Test
  void aLateNameEndsTheSeriesByIds() throws IOException {
    jvm(20, WEB_PATH, PerfFile.g1(3, 40, 5, 60));
    after(0);
    named.put(WEB_PATH, JOB);
    proc.map(20, PerfFile.g1(5, 40, 5, 60).array());
    Collected c = after(1);
    assertThat(c.get(COUNT, WEB, YOUNG)).isEqualTo(3);
    assertThat(c.get(COUNT, JOB, YOUNG)).isEqualTo(2);
    assertThat(after(STALE.toSeconds() - 1).has(WEB)).isTrue();
    c = after(1);
    assertThat(c.has(WEB)).isFalse();
    assertThat(c.get(COUNT, JOB, YOUNG)).isEqualTo(2);
  }

  @Test
  void manyProcessesAreLookedAtInTurns() throws IOException {
    for (int i = 0; i < 600; i++) {
      proc.process(1000 + i, 1, WEB_PATH, "sh");
    }
    jvm(5000, WEB_PATH, PerfFile.g1(3, 40, 5, 60));
    after(0);
    after(1);
    after(1);
    assertThat(after(1).get(COUNT, WEB, YOUNG)).isEqualTo(3);
  }
}
