package dev.sonde.agent.truth;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The cgroup that limits a process's memory, v1 or v2. */
final class MemoryOf {
  private MemoryOf() {}

  static Path cgroup(long pid) throws IOException {
    Path v2 = Path.of("/");
    for (String line : Files.readAllLines(Path.of("/proc/" + pid + "/cgroup"))) {
      String[] f = line.split(":", 3);
      if (f[1].equals("memory")) {
        return Path.of("/sys/fs/cgroup/memory" + f[2]);
      }
      if (f[0].equals("0")) {
        v2 = Path.of("/sys/fs/cgroup" + f[2]);
      }
    }
    return v2;
  }
}
