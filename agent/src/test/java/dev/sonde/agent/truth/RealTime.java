package dev.sonde.agent.truth;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Lets a pod's processes be real-time: where the kernel shares real-time out by cgroup
 * (CONFIG_RT_GROUP_SCHED, v1), a new cgroup has none, and chrt(1) fails in it. The share goes with
 * the cgroups.
 */
final class RealTime {
  private static final String RUNTIME = "cpu.rt_runtime_us";

  private RealTime() {}

  static void allow(PodCgroup pod) {
    List<Path> levels = new ArrayList<>();
    for (Path p = pod.directory(); !p.endsWith("cpu") && p.getParent() != null; p = p.getParent()) {
      levels.addFirst(p.resolve(RUNTIME));
    }
    for (Path level : levels) {
      if (Files.exists(level)) {
        write(level);
      }
    }
  }

  private static void write(Path file) {
    try {
      Files.writeString(file, "900000");
    } catch (IOException e) {
      throw new AssertionError("write to " + file, e);
    }
  }
}
