package dev.sonde.agent.truth;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** What a process' BPF maps take, by the kernel's own account. */
final class Maps {
  private Maps() {}

  /** Sum of {@code memlock} of the process' maps, bpf_map_show_fdinfo; exact from 6.4 on. */
  static long bytes(long pid) throws IOException {
    Map<String, Long> byMap = new HashMap<>();
    List<Path> all;
    try (Stream<Path> files = Files.list(Path.of("/proc/" + pid + "/fdinfo"))) {
      all = files.toList();
    }
    for (Path file : all) {
      String id = "";
      long bytes = 0;
      try {
        for (String line : Files.readAllLines(file)) {
          if (line.startsWith("map_id:")) {
            id = line;
          } else if (line.startsWith("memlock:")) {
            bytes = Long.parseLong(line.substring(8).strip());
          }
        }
      } catch (IOException closed) {
        continue;
      }
      if (!id.isEmpty()) {
        byMap.put(id, bytes);
      }
    }
    return byMap.values().stream().mapToLong(Long::longValue).sum();
  }
}
