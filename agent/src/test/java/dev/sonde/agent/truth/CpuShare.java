package dev.sonde.agent.truth;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * CPU weights and quotas of pods, in v1's files or v2's.
 *
 * <p>{@link #preferPods} gives all pods together 256 times the weight of one other task of the
 * machine, so that what else runs there hardly disturbs a measurement; closing takes it back.
 */
final class CpuShare implements AutoCloseable {
  private final Path file;
  private final String before;

  private CpuShare(Path file, String before) {
    this.file = file;
    this.before = before;
  }

  static CpuShare preferPods(PodCgroup pod) {
    Path top = kubepods(pod);
    boolean v1 = Files.exists(top.resolve("cpu.shares"));
    Path file = top.resolve(v1 ? "cpu.shares" : "cpu.weight");
    if (!v1) {
      enableCpu(pod);
    }
    CpuShare share = new CpuShare(file, read(file).strip());
    write(file, v1 ? "262144" : "10000");
    return share;
  }

  /** The weight of a pod among pods: 1024 is the usual. */
  static void weigh(PodCgroup pod, int shares) {
    Path directory = pod.directory().resolve("..").normalize();
    if (Files.exists(directory.resolve("cpu.shares"))) {
      write(directory.resolve("cpu.shares"), Integer.toString(shares));
    } else {
      enableCpu(pod);
      write(directory.resolve("cpu.weight"), Integer.toString(Math.max(1, shares * 100 / 1024)));
    }
  }

  /** So much CPU in each period, for the pod's container. */
  static void limit(PodCgroup pod, int quotaMicros, int periodMicros) {
    Path directory = pod.directory();
    if (Files.exists(directory.resolve("cpu.cfs_quota_us"))) {
      write(directory.resolve("cpu.cfs_period_us"), Integer.toString(periodMicros));
      write(directory.resolve("cpu.cfs_quota_us"), Integer.toString(quotaMicros));
    } else {
      enableCpu(pod);
      write(directory.resolve("cpu.max"), quotaMicros + " " + periodMicros);
    }
  }

  /** What holds all pods: kubepods/burstable/pod.../container. */
  private static Path kubepods(PodCgroup pod) {
    return pod.directory().resolve("../../..").normalize();
  }

  /** v2: every level hands the controller down. */
  private static void enableCpu(PodCgroup pod) {
    Path kubepods = kubepods(pod);
    write(kubepods.resolve("../cgroup.subtree_control").normalize(), "+cpu");
    Path level = kubepods;
    for (Path name : kubepods.relativize(pod.directory())) {
      write(level.resolve("cgroup.subtree_control"), "+cpu");
      level = level.resolve(name);
    }
  }

  /** The cgroup's own figures of its throttling. */
  record Throttling(double seconds, long times) {
    static Throttling of(PodCgroup pod) {
      double seconds = 0;
      long times = 0;
      for (String line : read(pod.directory().resolve("cpu.stat")).split("\n")) {
        String[] f = line.split(" ");
        switch (f[0]) {
          case "throttled_time" -> seconds = Long.parseLong(f[1]) / 1e9;
          case "throttled_usec" -> seconds = Long.parseLong(f[1]) / 1e6;
          case "nr_throttled" -> times = Long.parseLong(f[1]);
          default -> {}
        }
      }
      return new Throttling(seconds, times);
    }

    Throttling minus(Throttling o) {
      return new Throttling(seconds - o.seconds, times - o.times);
    }
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new AssertionError("read " + file, e);
    }
  }

  private static void write(Path file, String text) {
    try {
      Files.writeString(file, text);
    } catch (IOException e) {
      throw new AssertionError("write " + text + " to " + file, e);
    }
  }

  @Override
  public void close() {
    if (Files.exists(file)) {
      write(file, before);
    }
  }
}
