package dev.sonde.agent.usage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.sonde.agent.host.ProcFs;
import dev.sonde.agent.pipeline.SnapshotBuilder;
import dev.sonde.agent.workload.CgroupHierarchy;
import dev.sonde.agent.workload.CgroupPath;
import dev.sonde.agent.workload.ControllerMounts;
import dev.sonde.agent.workload.PodTable;
import dev.sonde.exporter.model.Histogram;
import dev.sonde.exporter.model.Metric;
import dev.sonde.exporter.model.Workload;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The sum rule, on trees of plain directories that say what the test wants. */
class CgroupUsageTest {
  private static final String UID = "1b4e28ba-2fa1-11d2-883f-0016d3cca427";
  private static final String ID = "0123456789abcdef".repeat(4);
  private static final String POD = "kubepods/burstable/pod" + UID;
  private static final String CONTAINER = POD + "/" + ID;
  private static final Workload NAMED = new Workload("shop", "web-0", "app", "", UID);
  private static final long STALE = 300_000_000_000L;

  @TempDir Path directory;
  private Path v2;
  private Path proc;
  private final AtomicLong clock = new AtomicLong(1);
  private final Set<String> removed = new HashSet<>();
  private final Map<String, Workload> names = new HashMap<>();
  private CgroupUsage usage;
  private boolean reclaimable;
  private long generation;
  private long changes;
  private @Nullable Workload replaced;
  private String livePod = "none";

  /** The directories below v2 are the cgroups; a path's number is its id. */
  private final class Directories implements KnownCgroups {
    private final List<String> paths = new ArrayList<>();

    @Override
    public void discover() throws IOException {
      try (Stream<Path> all = Files.walk(v2)) {
        all.filter(Files::isDirectory)
            .map(d -> d.equals(v2) ? "/" : "/" + v2.relativize(d))
            .filter(p -> !paths.contains(p) || removed.remove(p))
            .forEach(paths::add);
      }
    }

    @Override
    public void visit(PodTable.Visitor visitor) {
      for (int id = 0; id < paths.size(); id++) {
        boolean current = paths.lastIndexOf(paths.get(id)) == id;
        if (current && !removed.contains(paths.get(id))) {
          visitor.cgroup(id, paths.get(id));
        }
      }
    }

    @Override
    public Workload find(long id) {
      String path = paths.get((int) id);
      return names.getOrDefault(path, CgroupPath.workload(path));
    }

    @Override
    public boolean reclaimable(long id) {
      return reclaimable;
    }

    @Override
    public long generation() {
      return generation;
    }

    @Override
    public long changes() {
      return ++changes;
    }

    @Override
    public boolean replaced(Workload workload) {
      return workload.equals(replaced);
    }

    @Override
    public boolean podLives(Workload workload) {
      return workload.uid().equals(livePod);
    }

    @Override
    public long staleNanos() {
      return STALE;
    }
  }

  /** What a snapshot holds: metric, owner and labels to value. */
  private static final class Values implements SnapshotBuilder {
    final Map<String, Double> values = new HashMap<>();

    @Override
    public void add(Metric metric, Workload owner, double value, String... more) {
      String key =
          metric.name().replace("sonde_", "").replaceAll("_(seconds_)?total", "")
              + " "
              + (owner.isPod() ? owner.container().isEmpty() ? "pod" : "container" : owner.unit())
              + (more.length == 0 ? "" : " " + Arrays.asList(more));
      assertThat(values).as("one value a series").doesNotContainKey(key);
      values.put(key, value);
    }

    @Override
    public void add(Metric metric, Workload owner, Histogram value, String... more) {}

    @Override
    public void addOwn(Metric metric, double value, String... labels) {}
  }

  @BeforeEach
  void open() throws IOException {
    v2 = Files.createDirectory(directory.resolve("v2"));
    proc = directory.resolve("proc");
    Files.createDirectories(proc.resolve("pressure"));
    Files.createDirectories(proc.resolve("self/fd"));
    Files.writeString(
        proc.resolve("self/limits"),
        "Max open files            1024                 4096  files\n");
    usage = usage(new ControllerMounts(null, null, v2));
  }

  private CgroupHierarchy hierarchy() {
    return new CgroupHierarchy(CgroupHierarchy.Kind.V2, v2, "/", "/", false);
  }

  private CgroupUsage usage(ControllerMounts mounts) {
    return new CgroupUsage(new Directories(), hierarchy(), mounts, new ProcFs(proc), clock::get);
  }

  @AfterEach
  void close() {
    usage.close();
  }

  private void cgroup(Path root, String path, String file, String text) throws IOException {
    Path cgroup = Files.createDirectories(root.resolve(path));
    Files.writeString(cgroup.resolve(file), text);
  }

  private void cpu(String path, long usec) throws IOException {
    cgroup(v2, path, "cpu.stat", "usage_usec " + usec + "\nnr_periods 0\nnr_throttled 0\n");
  }

  private Map<String, Double> collect() {
    clock.addAndGet(60_000_000_000L); // looks at the whole tree each time
    Values out = new Values();
    usage.collect(out);
    return out.values;
  }

  @Test
  void whatHoldsOthersHasNoUsage() throws IOException {
    cpu(".", 100_000_000);
    cpu("kubepods", 50_000_000);
    cpu("kubepods/burstable", 50_000_000);
    cpu(POD, 50_000_000);
    cpu(CONTAINER, 40_000_000);
    cpu(CONTAINER + "/init.scope", 30_000_000);
    cpu("system.slice", 9_000_000);
    cpu("system.slice/ssh.service", 8_000_000);
    cpu("system.slice/ssh.service/inner", 7_000_000);
    Map<String, Double> values = collect();
    assertThat(values)
        .containsOnly(
            Map.entry("cpu_usage container", 40.0), Map.entry("cpu_usage ssh.service", 8.0));
  }

  @Test
  void totalsGoOnWhenACgroupIsMadeAnew() throws IOException {
    cpu("system.slice/a.service", 5_000_000);
    assertThat(collect()).containsEntry("cpu_usage a.service", 5.0);
    Files.delete(v2.resolve("system.slice/a.service/cpu.stat"));
    Files.delete(v2.resolve("system.slice/a.service"));
    removed.add("/system.slice/a.service");
    assertThat(collect()).containsEntry("cpu_usage a.service", 5.0);
    cpu("system.slice/a.service", 2_000_000);
    assertThat(collect().get("cpu_usage a.service")).isEqualTo(7.0, within(1e-9));
  }

  /** Both pods have the same labels: one of them only may have series. */
  @Test
  void totalsOfAPodThatIsReplacedUnderItsNameEndAtOnce() throws IOException {
    cpu(CONTAINER, 5_000_000);
    names.put("/" + CONTAINER, NAMED);
    assertThat(collect()).containsEntry("cpu_usage container", 5.0);
    String later = CONTAINER.replace(UID, UID.replace('1', '2'));
    cpu(later, 1_000_000);
    names.put("/" + later, new Workload("shop", "web-0", "app", "", UID.replace('1', '2')));
    names.put("/" + CONTAINER, Workload.unit("~replaced"));
    replaced = NAMED;
    generation++;
    assertThat(collect())
        .containsEntry("cpu_usage container", 1.0)
        .as("what the old one did before is in no series now, and is not moved")
        .containsEntry("cpu_usage ~replaced", 0.0);
    cpu(CONTAINER, 5_500_000);
    assertThat(collect())
        .containsEntry("cpu_usage container", 1.0)
        .containsEntry("cpu_usage ~replaced", 0.5);
  }

  @Test
  void totalsOfAnEndedContainerStayWhileItsPodLivesAndForAWhileAfter() throws IOException {
    cpu(CONTAINER, 5_000_000);
    names.put("/" + CONTAINER, NAMED);
    livePod = UID;
    collect();
    Files.delete(v2.resolve(CONTAINER).resolve("cpu.stat"));
    Files.delete(v2.resolve(CONTAINER));
    removed.add("/" + CONTAINER);
    reclaimable = true;
    for (int minute = 0; minute < 10; minute++) {
      assertThat(collect()).containsEntry("cpu_usage container", 5.0);
    }
    livePod = "none";
    for (int minute = 1; minute < 5; minute++) {
      assertThat(collect()).as("minute %d", minute).containsEntry("cpu_usage container", 5.0);
    }
    assertThat(collect()).doesNotContainKey("cpu_usage container");
  }

  /** What was counted by ids stands still and ends; what comes is counted by name. */
  @Test
  void aLateNameBeginsASeriesOfItsOwn() throws IOException {
    cpu(CONTAINER, 5_000_000);
    assertThat(collect()).containsEntry("cpu_usage container", 5.0);
    names.put("/" + CONTAINER, Workload.unit("late"));
    generation++;
    cpu(CONTAINER, 6_000_000);
    for (int minute = 1; minute <= 5; minute++) {
      assertThat(collect())
          .containsEntry("cpu_usage container", 5.0)
          .containsEntry("cpu_usage late", 1.0);
    }
    assertThat(collect())
        .doesNotContainKey("cpu_usage container")
        .containsEntry("cpu_usage late", 1.0);
  }

  /** What is there to hold others keeps the time of those that ended. */
  @Test
  void anEmptySliceHasNoUsageEither() throws IOException {
    cpu("system.slice", 9_000_000);
    cpu("kubepods/besteffort", 8_000_000);
    cpu("user.slice/user-1000.slice", 7_000_000);
    cpu("plain", 6_000_000);
    cpu("plain/inner", 5_000_000);
    assertThat(collect())
        .containsOnly(
            Map.entry("cpu_usage user.slice/user-1000.slice", 7.0),
            Map.entry("cpu_usage plain/inner", 5.0));
    Files.delete(v2.resolve("plain/inner/cpu.stat"));
    Files.delete(v2.resolve("plain/inner"));
    removed.add("/plain/inner");
    assertThat(collect()).doesNotContainKey("cpu_usage plain");
  }

  @Test
  void aCounterThatFallsIsFollowed() throws IOException {
    cpu("system.slice/a.service", 5_000_000);
    collect();
    cpu("system.slice/a.service", 1_000_000);
    assertThat(collect()).containsEntry("cpu_usage a.service", 5.0);
    cpu("system.slice/a.service", 4_000_000);
    assertThat(collect()).containsEntry("cpu_usage a.service", 8.0);
  }

  @Test
  void quotasOfPodAndContainerAreBothThere() throws IOException {
    String stat = "usage_usec 1\nnr_periods %d\nnr_throttled %d\nthrottled_usec %d\n";
    cgroup(v2, POD, "cpu.stat", stat.formatted(10, 4, 2_000_000));
    cgroup(v2, CONTAINER, "cpu.stat", stat.formatted(20, 5, 3_000_000));
    assertThat(collect())
        .containsEntry("cpu_throttled pod", 2.0)
        .containsEntry("cpu_periods pod", 10.0)
        .containsEntry("cpu_throttled container", 3.0)
        .containsEntry("cpu_throttled_periods container", 5.0);
  }

  @Test
  void v1FilesComeFirstAndV2FillsTheGaps() throws IOException {
    Path cpu = directory.resolve("cpu");
    Path cpuacct = directory.resolve("cpuacct");
    cgroup(cpu, CONTAINER, "cpu.stat", "nr_periods 6\nnr_throttled 2\nthrottled_time 1500000000\n");
    cgroup(cpuacct, CONTAINER, "cpuacct.usage", "2500000000\n");
    cpu(CONTAINER, 9_000_000);
    cpu("system.slice/a.service", 4_000_000);
    usage.close();
    usage = usage(new ControllerMounts(cpu, cpuacct, v2));
    assertThat(collect())
        .containsEntry("cpu_usage container", 2.5)
        .containsEntry("cpu_throttled container", 1.5)
        .containsEntry("cpu_periods container", 6.0)
        .containsEntry("cpu_usage a.service", 4.0);
  }

  @Test
  void pressureIsOfCgroupAndNodeAndNeverMadeUp() throws IOException {
    cpu("system.slice/a.service", 1);
    cgroup(
        v2,
        "system.slice/a.service",
        "io.pressure",
        "some avg10=0.00 avg60=0.00 avg300=0.00 total=2000000\n");
    Files.writeString(
        proc.resolve("pressure/memory"),
        """
        some avg10=0.00 avg60=0.00 avg300=0.00 total=3000000
        full avg10=0.00 avg60=0.00 avg300=0.00 total=1000000
        """);
    Map<String, Double> values = collect();
    values.remove("cpu_usage a.service");
    assertThat(values)
        .containsOnly(
            Map.entry("pressure a.service [resource, io, kind, some]", 2.0),
            Map.entry("pressure / [resource, memory, kind, some]", 3.0),
            Map.entry("pressure / [resource, memory, kind, full]", 1.0));
  }

  /** It may still wait for a disk: its pressure is a few looks old, and never lost. */
  @Test
  void ofACgroupThatDoesNothingTheTimeIsReadAndTheRestNowAndThen() throws IOException {
    String path = "system.slice/a.service";
    String waited = "some avg10=0.00 avg60=0.00 avg300=0.00 total=%d\n";
    String series = "pressure a.service [resource, io, kind, some]";
    cpu(path, 1_000_000);
    cgroup(v2, path, "io.pressure", waited.formatted(2_000_000));
    assertThat(collect()).containsEntry(series, 2.0);
    cgroup(v2, path, "io.pressure", waited.formatted(3_000_000));
    for (int look = 1; look < 8; look++) {
      assertThat(collect()).containsEntry(series, 2.0).containsEntry("cpu_usage a.service", 1.0);
    }
    assertThat(collect()).containsEntry(series, 3.0);
    cgroup(v2, path, "io.pressure", waited.formatted(4_000_000));
    assertThat(collect()).containsEntry(series, 3.0);
    cpu(path, 1_000_001);
    assertThat(collect()).as("it ran: all is read").containsEntry(series, 4.0);
  }

  @Test
  void whatWorksIsReadWholeEachTime() throws IOException {
    for (int look = 1; look <= 20; look++) {
      cgroup(
          v2,
          CONTAINER,
          "cpu.stat",
          "usage_usec %d\nnr_periods %d\nnr_throttled %d\nthrottled_usec 0\n"
              .formatted(1000 * look, 10 * look, look));
      assertThat(collect())
          .containsEntry("cpu_periods container", 10.0 * look)
          .containsEntry("cpu_throttled_periods container", 1.0 * look);
    }
  }

  /** With and without room for open files, and in turn when there are too many for one look. */
  @Test
  void manyCgroupsAreReadInTurns() throws IOException {
    for (String limit : List.of("1024", "4")) {
      usage.close();
      Files.writeString(proc.resolve("self/limits"), "Max open files  " + limit + " 4 files\n");
      usage = usage(new ControllerMounts(null, null, v2));
      int cgroups = 1000;
      for (int i = 0; i < cgroups; i++) {
        cpu("system.slice/s" + i + ".service", 1_000_000);
      }
      Map<String, Double> values = collect();
      assertThat(values).hasSizeLessThan(cgroups);
      values = collect();
      assertThat(values).hasSize(cgroups).allSatisfy((_, v) -> assertThat(v).isEqualTo(1.0));
    }
  }

  @Test
  void openFilesAreOfTheProcessNearestItsLimit() throws IOException {
    process(10, 1024, 100);
    process(11, 64, 32);
    process(12, 100, 49);
    cgroup(v2, CONTAINER, "cgroup.procs", "10\n11\n");
    cgroup(v2, CONTAINER + "/inner", "cgroup.procs", "0\n12\n999\n");
    assertThat(collect())
        .containsEntry("open_files container", 32.0)
        .containsEntry("open_files_limit container", 64.0);
  }

  private void process(int pid, int limit, int open) throws IOException {
    Path fds = Files.createDirectories(proc.resolve(pid + "/fd"));
    for (int i = 0; i < open; i++) {
      Files.createFile(fds.resolve(Integer.toString(i)));
    }
    Files.writeString(
        proc.resolve(pid + "/limits"),
        """
        Limit                     Soft Limit           Hard Limit           Units
        Max open files            %-20d %-20d files
        """
            .formatted(limit, 2 * limit));
  }
}
