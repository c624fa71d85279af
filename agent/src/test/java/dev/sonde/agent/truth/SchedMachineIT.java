package dev.sonde.agent.truth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sonde.agent.KernelTest;
import dev.sonde.agent.pipeline.SnapshotBuilder;
import dev.sonde.agent.probe.KernelSettings;
import dev.sonde.agent.probe.KernelSource;
import dev.sonde.agent.probe.ProbeSet;
import dev.sonde.agent.workload.CgroupHierarchy;
import dev.sonde.agent.workload.PodTable;
import dev.sonde.exporter.model.Histogram;
import dev.sonde.exporter.model.Metric;
import dev.sonde.exporter.model.Workload;
import dev.sonde.ffi.KernelFeatures;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * All workloads together against the machine, while short processes come and go.
 *
 * <p>Truth is wall time times CPUs less the idle time of /proc/stat: that one the kernel measures,
 * while user and system are sampled at ticks, which a process of a millisecond slips between. Both
 * sides contain interrupts and stolen time. The probes run in this process, so that the two looks
 * at /proc/stat are as close as can be around the look at the maps.
 */
@KernelTest
@Timeout(60)
class SchedMachineIT {
  private static final double USER_HZ = 100;

  /** Adds up what it is given. */
  private static final class Sums implements SnapshotBuilder {
    final Map<Workload, Double> onCpu = new HashMap<>();
    final Map<String, Double> lost = new HashMap<>();

    @Override
    public void add(Metric metric, Workload owner, double value, String... more) {
      if (metric.name().equals("sonde_sched_on_cpu_seconds_total")) {
        onCpu.merge(owner, value, Double::sum);
      }
    }

    @Override
    public void add(Metric metric, Workload owner, Histogram value, String... more) {}

    @Override
    public void addOwn(Metric metric, double value, String... labels) {
      if (metric.name().equals("sonde_events_lost_total")) {
        lost.merge(labels[1], value, Double::sum);
      }
    }

    double total() {
      return onCpu.values().stream().mapToDouble(Double::doubleValue).sum();
    }

    double of(Workload owner) {
      return onCpu.getOrDefault(owner, 0.0);
    }
  }

  /** A look at the machine: wall time of all CPUs, and how much of it was idle. */
  private record Machine(double wall, double idle, int cpus) {
    static Machine look() throws IOException {
      int cpus = 0;
      double idle = 0;
      for (String line : Files.readAllLines(Path.of("/proc/stat"))) {
        String[] f = line.split("\\s+");
        if (f[0].equals("cpu")) {
          idle = (Double.parseDouble(f[4]) + Double.parseDouble(f[5])) / USER_HZ;
        } else if (f[0].startsWith("cpu")) {
          cpus++;
        }
      }
      return new Machine(System.nanoTime() / 1e9, idle, cpus);
    }

    double wallSince(Machine o) {
      return (wall - o.wall) * cpus;
    }
  }

  @Test
  void shortProcessesAreAllCounted() throws IOException {
    CgroupHierarchy hierarchy = CgroupHierarchy.detect(null);
    KernelSettings settings =
        new KernelSettings(
            1024, KernelFeatures.possibleCpus(), hierarchy.idsFromV1(), 0, 1 << 20, false, null);
    try (PodTable pods = PodTable.open(hierarchy, Duration.ofMinutes(5));
        ProbeSet probes = ProbeSet.attach(settings, Map.of(), "sched"::equals);
        KernelSource kernel = new KernelSource(probes, pods, false);
        PodCgroup storm = PodCgroup.create()) {
      for (int i = 0; i < 2 * Runtime.getRuntime().availableProcessors(); i++) {
        storm.start("sh", "-c", "while :; do /bin/true; done");
      }
      long forks = forks();
      kernel.collect(new Sums()); // loads classes, which would widen the bracket
      Sums first = new Sums();
      Sums last = new Sums();
      Machine a = Machine.look();
      kernel.collect(first);
      Machine b = Machine.look();
      await("the storm")
          .pollDelay(Duration.ofSeconds(5))
          .atMost(Duration.ofSeconds(6))
          .until(() -> true);
      Machine c = Machine.look();
      kernel.collect(last);
      Machine d = Machine.look();

      double least = c.wallSince(b) - (d.idle() - a.idle());
      double most = d.wallSince(a) - (c.idle() - b.idle());
      double sonde = last.total() - first.total();
      System.out.printf(
          "fork storm: %d processes; on CPU, all workloads %.4f s; the machine %.4f to %.4f s busy"
              + " (%+.3f%% from the middle); kernel threads %.4f s; lost %s%n",
          forks() - forks,
          sonde,
          least,
          most,
          100 * (2 * sonde / (least + most) - 1),
          last.of(PodTable.KERNEL) - first.of(PodTable.KERNEL),
          last.lost);
      assertThat(sonde).isBetween(0.99 * least, 1.01 * most);
      assertThat(last.lost).containsEntry("storage", 0.0).containsEntry("map_full", 0.0);
      assertThat(last.lost).containsEntry("recursion", 0.0);
      assertThat(last.of(PodTable.KERNEL)).isGreaterThan(first.of(PodTable.KERNEL));
      assertThat(PodTable.KERNEL.unit()).isEqualTo("kernel");
      assertThat(forks() - forks).as("processes of the storm").isGreaterThan(100);
    }
  }

  /** Processes started since boot. */
  private static long forks() throws IOException {
    return Files.readAllLines(Path.of("/proc/stat")).stream()
        .filter(l -> l.startsWith("processes "))
        .mapToLong(l -> Long.parseLong(l.substring(10).trim()))
        .findFirst()
        .orElseThrow();
  }
}
