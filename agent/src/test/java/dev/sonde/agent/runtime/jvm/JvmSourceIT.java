package dev.sonde.agent.runtime.jvm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.sonde.agent.host.ProcFs;
import dev.sonde.agent.workload.PodTable;
import dev.sonde.agent.workload.TestCgroup;
import dev.sonde.exporter.model.Workload;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Real JVMs in real cgroups, compared with what they log themselves. Needs root; the JVMs of 17 are
 * left out where there is none.
 */
class JvmSourceIT {
  private static final String UID = "3fa2c1b4-9d0e-4c1f-8a77-0b5c6d7e8f90";
  private static final String ID =
      "5c9f0e1d2c3b4a59687716253443526170ffeeddccbbaa998877665544332211";
  private static final String CONTAINER = "kubepods/burstable/pod" + UID + "/" + ID;
  private static final Workload POD = new Workload("", UID, ID, "");
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  @TempDir Path dir;
  private TestCgroup cgroups;
  private PodTable pods;
  private JvmSource source;
  private final List<Process> processes = new ArrayList<>();

  @BeforeEach
  void open() throws IOException {
    cgroups = TestCgroup.create();
    cgroups.make(CONTAINER);
    pods = PodTable.open(cgroups.hierarchy(), Duration.ofMinutes(5));
    source = JvmSource.open(ProcFs.host(), cgroups.hierarchy(), pods, Duration.ofMinutes(5));
  }

  @AfterEach
  void stop() throws Exception {
    pods.close();
    for (Process p : processes) {
      p.descendants().forEach(ProcessHandle::destroyForcibly);
      p.destroyForcibly().waitFor();
    }
    await().atMost(PATIENCE).ignoreExceptions().until(this::closed);
  }

  private boolean closed() throws IOException {
    // EBUSY until the last of the processes has left.
    cgroups.close();
    return true;
  }

  private static Path home(int version) throws IOException {
    if (version == Runtime.version().feature()) {
      return Path.of(System.getProperty("java.home"));
    }
    try (Stream<Path> homes = Files.list(Path.of("/usr/lib/jvm"))) {
      List<Path> found =
          homes
              .filter(h -> h.getFileName().toString().contains("-" + version + "-"))
              .filter(h -> Files.isExecutable(h.resolve("bin/javac")))
              .toList();
      assumeTrue(!found.isEmpty(), "needs a JDK " + version + " below /usr/lib/jvm");
      return found.getFirst();
    }
  }

  private static Path programDirectory = Path.of("/var/tmp");

  /** Starts a JVM inside the container's cgroup and waits until it has stopped allocating. */
  private Process start(int version, String gc, Path log, String... prefix) throws IOException {
    List<String> command = new ArrayList<>();
    Path procs = cgroups.make(CONTAINER).resolve("cgroup.procs");
    command.addAll(List.of("sh", "-c", "echo $$ > " + procs + " && exec \"$@\"", "sh"));
    command.addAll(List.of(prefix));
    command.addAll(
        List.of(
            home(version).resolve("bin/java").toString(),
            "-XX:+Use" + gc + "GC",
            "-Xms128m",
            "-Xmx128m",
            // So that G1 runs concurrent cycles; the others ignore it.
            "-XX:InitiatingHeapOccupancyPercent=5",
            "-Xlog:gc*,safepoint:file=" + log + "::filecount=0",
            program().toString(),
            "1500"));
    Path out = dir.resolve("out" + processes.size());
    Process p =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(out.toFile()).start();
    processes.add(p);
    await()
        .atMost(PATIENCE)
        .untilAsserted(() -> assertThat(Files.readString(out)).endsWith("idle\n"));
    return p;
  }

  /** The target's source, outside of /tmp: one of the JVMs has a /tmp of its own. */
  private static Path program() throws IOException {
    Path copy = programDirectory.resolve("AllocateThenIdle.java");
    if (!Files.exists(copy)) {
      Path source = Path.of(System.getProperty("sonde.root"), "agent/src/test/resources");
      Files.copy(source.resolve("dev/sonde/agent/runtime/jvm/AllocateThenIdle.java"), copy);
    }
    return copy;
  }

  @BeforeAll
  static void makeProgramDirectory() throws IOException {
    programDirectory = Files.createTempDirectory(Path.of("/var/tmp"), "sonde-jvm");
  }

  @AfterAll
  static void removeProgramDirectory() throws IOException {
    Files.deleteIfExists(programDirectory.resolve("AllocateThenIdle.java"));
    Files.deleteIfExists(programDirectory);
  }

  @ParameterizedTest
  @CsvSource({
    "25, G1",
    "25, Z",
    "25, Parallel",
    "25, Serial",
    "17, G1",
    "17, Z",
    "17, Parallel",
    "17, Serial"
  })
  void countsWhatTheJvmLogs(int version, String gc) throws Exception {
    Path file = dir.resolve("gc.log");
    start(version, gc, file);
    await()
        .atMost(PATIENCE)
        .untilAsserted(
            () -> {
              GcLog log = GcLog.read(file, gc, version);
              Collected c = Collected.from(source);
              assertThat(log.collections).containsKeys(expected(version, gc));
              for (Collector collector : log.collections.keySet()) {
                compare(c, log, collector);
              }
              compareSafepoints(c, log);
            });
    GcLog log = GcLog.read(file, gc, version);
    Collected c = Collected.from(source);
    for (Collector k : log.collections.keySet()) {
      System.out.printf(
          "%d %s: %d = %d in the log, %.6f s, %.6f s in the log%n",
          version,
          k.label(),
          (long) c.get("sonde_jvm_gc_collections_total", POD, "gc", k.label()),
          log.collections.get(k),
          c.get("sonde_jvm_gc_time_seconds_total", POD, "gc", k.label()),
          log.millis.getOrDefault(k, 0.0) / 1e3);
    }
    assertThat(c.get("sonde_jvm_heap_bytes", POD, "kind", "max")).isEqualTo(128 << 20);
    assertThat(c.get("sonde_jvm_heap_bytes", POD, "kind", "committed")).isEqualTo(128 << 20);
    assertThat(c.get("sonde_jvm_heap_bytes", POD, "kind", "used"))
        .isBetween(1e5, 128.0 * (1 << 20));
    assertThat(c.get("sonde_jvm_source", POD, "source", "hsperf")).isEqualTo(1);
  }

  private static Collector[] expected(int version, String gc) {
    return switch (gc) {
      case "G1" -> new Collector[] {Collector.G1_YOUNG, Collector.G1_FULL, Collector.G1_CONCURRENT};
      case "Parallel" -> new Collector[] {Collector.PARALLEL_YOUNG, Collector.PARALLEL_FULL};
      case "Serial" -> new Collector[] {Collector.SERIAL_YOUNG, Collector.SERIAL_FULL};
      case "Z" ->
          version >= 21
              ? new Collector[] {Collector.Z_MINOR, Collector.Z_MAJOR}
              : new Collector[] {Collector.Z};
      default -> throw new IllegalArgumentException(gc);
    };
  }

  private static void compare(Collected c, GcLog log, Collector collector) {
    int n = log.collections.getOrDefault(collector, 0);
    double seconds = log.millis.getOrDefault(collector, 0.0) / 1e3;
    String[] gc = {"gc", collector.label()};
    assertThat(c.get("sonde_jvm_gc_collections_total", POD, gc)).as(collector.label()).isEqualTo(n);
    double time = c.get("sonde_jvm_gc_time_seconds_total", POD, gc);
    // The log rounds each pause to a microsecond; the counter's clock runs within the log's.
    assertThat(time).as(collector.label()).isLessThanOrEqualTo(seconds + n * 0.6e-6);
    // Generous, since a JVM that is preempted between its two clocks shows that as a difference.
    assertThat(seconds - time).as(collector.label()).isLessThan(0.1 * seconds + n * 100e-6 + 10e-3);
  }

  private static void compareSafepoints(Collected c, GcLog log) {
    assertThat(c.get("sonde_jvm_safepoints_total", POD)).isEqualTo(log.safepoints);
    assertThat(c.get("sonde_jvm_safepoint_time_seconds_total", POD))
        .isEqualTo(log.safepointNanos / 1e9, within(1e-9));
  }

  @ParameterizedTest
  @CsvSource({"25", "17"})
  void shenandoahShowsItsSafepointsOnly(int version) throws Exception {
    Path file = dir.resolve("gc.log");
    start(version, "Shenandoah", file);
    await()
        .atMost(PATIENCE)
        .untilAsserted(
            () -> {
              Collected c = Collected.from(source);
              assertThat(c.series(POD))
                  .anyMatch(s -> s.contains("sonde_jvm_info") && s.contains("shenandoah"))
                  .noneMatch(s -> s.contains("sonde_jvm_gc"));
              compareSafepoints(c, GcLog.read(file, "Shenandoah", version));
            });
  }

  @Test
  void readsAJvmInNamespacesOfItsOwnWhoseFileIsDeleted() throws Exception {
    Path file = dir.resolve("gc.log");
    String script =
        "mount -t tmpfs none /tmp && mkdir -p "
            + dir
            + " && (while [ ! -e /tmp/hsperfdata_root/* ]; do sleep 0.05; done;"
            + " rm -r /tmp/hsperfdata_root) & exec \"$@\"";
    // The log is kept outside of the private /tmp.
    Path log = Files.createTempFile(Path.of("/var/tmp"), "sonde-gc", ".log");
    try {
      start(
          25,
          "G1",
          log,
          "unshare",
          "--fork",
          "--pid",
          "--mount",
          "--mount-proc",
          "sh",
          "-c",
          script,
          "sh");
      await()
          .atMost(PATIENCE)
          .untilAsserted(
              () -> {
                Collected c = Collected.from(source);
                compare(c, GcLog.read(log, "G1", 25), Collector.G1_YOUNG);
              });
      assertThat(file).doesNotExist();
    } finally {
      Files.delete(log);
    }
  }

  @Test
  void addsUpTheJvmsOfAContainerAndKeepsWhatEndedOnesCounted() throws Exception {
    Path first = dir.resolve("first.log");
    Path second = dir.resolve("second.log");
    Process one = start(25, "G1", first);
    start(25, "Serial", second);
    String[] young = {"gc", "g1_young"};
    await()
        .atMost(PATIENCE)
        .untilAsserted(
            () -> {
              Collected c = Collected.from(source);
              assertThat(c.get("sonde_jvm_source", POD, "source", "hsperf")).isEqualTo(2);
              compare(c, GcLog.read(first, "G1", 25), Collector.G1_YOUNG);
              compare(c, GcLog.read(second, "Serial", 25), Collector.SERIAL_YOUNG);
            });
    double before = Collected.from(source).get("sonde_jvm_gc_collections_total", POD, young);
    one.destroyForcibly().waitFor();
    await()
        .atMost(PATIENCE)
        .untilAsserted(
            () ->
                assertThat(Collected.from(source).get("sonde_jvm_source", POD, "source", "hsperf"))
                    .isEqualTo(1));
    assertThat(Collected.from(source).get("sonde_jvm_gc_collections_total", POD, young))
        .isEqualTo(before)
        .isPositive();
  }
}
