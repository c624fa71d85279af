package dev.sonde.agent.truth;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * CPU numbers of a container's cgroup, from whichever hierarchy has them.
 *
 * @param usage seconds
 * @param throttled seconds
 */
record CpuFiles(double usage, double throttled, double periods, double throttledPeriods) {
  static final String USAGE = "sonde_cpu_usage_seconds_total";
  static final String THROTTLED = "sonde_cpu_throttled_seconds_total";
  static final String PERIODS = "sonde_cpu_periods_total";
  static final String THROTTLED_PERIODS = "sonde_cpu_throttled_periods_total";

  static CpuFiles read(PodCgroup pod) {
    Path cpu = pod.directory().resolve("cpu.stat");
    Path usage =
        pod.directories().stream()
            .map(d -> d.resolve("cpu.stat"))
            .filter(f -> number(f, "usage_usec") >= 0)
            .findFirst()
            .orElseThrow();
    long nanos = number(cpu, "throttled_time");
    return new CpuFiles(
        number(usage, "usage_usec") / 1e6,
        nanos >= 0 ? nanos / 1e9 : number(cpu, "throttled_usec") / 1e6,
        number(cpu, "nr_periods"),
        number(cpu, "nr_throttled"));
  }

  private static long number(Path file, String key) {
    try {
      return Files.readAllLines(file).stream()
          .filter(l -> l.startsWith(key + " "))
          .mapToLong(l -> Long.parseLong(l.substring(key.length() + 1).trim()))
          .findFirst()
          .orElse(-1);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  /** 20 ms of every 100 ms, in v1's words or v2's. */
  static void limit(Path cgroup) throws IOException {
    if (Files.exists(cgroup.resolve("cpu.cfs_quota_us"))) {
      Files.writeString(cgroup.resolve("cpu.cfs_quota_us"), "20000");
    } else {
      enable(cgroup);
      Files.writeString(cgroup.resolve("cpu.max"), "20000 100000");
    }
  }

  /** v2: from the root down to the parent, each must hand the controller on. */
  private static void enable(Path cgroup) throws IOException {
    Path parent = cgroup.getParent();
    if (parent != null && Files.exists(parent.resolve("cgroup.subtree_control"))) {
      enable(parent);
      Files.writeString(parent.resolve("cgroup.subtree_control"), "+cpu");
    }
  }

  /** Every number of the scrape lies between the files' before and after it. */
  static void check(Scrape scrape, PodCgroup pod, CpuFiles before, CpuFiles after) {
    System.out.printf(
        "proof: usage %.6f in [%.6f, %.6f]; throttled %.6f in [%.6f, %.6f]; periods %.0f in [%.0f,"
            + " %.0f], of them throttled %.0f in [%.0f, %.0f]%n",
        scrape.sum(USAGE, pod.labels()),
        before.usage(),
        after.usage(),
        scrape.sum(THROTTLED, pod.labels()),
        before.throttled(),
        after.throttled(),
        scrape.sum(PERIODS, pod.labels()),
        before.periods(),
        after.periods(),
        scrape.sum(THROTTLED_PERIODS, pod.labels()),
        before.throttledPeriods(),
        after.throttledPeriods());
    assertThat(scrape.sum(USAGE, pod.labels())).isBetween(before.usage(), after.usage());
    assertThat(scrape.sum(THROTTLED, pod.labels()))
        .isPositive()
        .isBetween(before.throttled(), after.throttled());
    assertThat(scrape.sum(PERIODS, pod.labels())).isBetween(before.periods(), after.periods());
    assertThat(scrape.sum(THROTTLED_PERIODS, pod.labels()))
        .isBetween(before.throttledPeriods(), after.throttledPeriods());
  }
}
