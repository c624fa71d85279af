package dev.sonde.agent.truth;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;

/**
 * The ids of the BPF programs, maps and links that a process holds, by its descriptors, so that
 * they can be looked for after its end whoever else uses BPF at the time.
 */
record KernelIds(Set<Long> programs, Set<Long> maps, Set<Long> links) {
  static KernelIds of(long pid) {
    KernelIds ids = new KernelIds(new TreeSet<>(), new TreeSet<>(), new TreeSet<>());
    try (Stream<Path> descriptors = Files.list(Path.of("/proc/" + pid + "/fdinfo"))) {
      for (Path descriptor : descriptors.toList()) {
        for (String line : lines(descriptor)) {
          String[] field = line.split(":\\s+");
          switch (field[0]) {
            case "prog_id" -> ids.programs.add(Long.valueOf(field[1]));
            case "map_id" -> ids.maps.add(Long.valueOf(field[1]));
            case "link_id" -> ids.links.add(Long.valueOf(field[1]));
            default -> {}
          }
        }
      }
    } catch (IOException e) {
      throw new AssertionError("read the descriptors of " + pid, e);
    }
    return ids;
  }

  /** None of one that has been closed since it was listed. */
  private static List<String> lines(Path descriptor) throws IOException {
    try {
      return Files.readAllLines(descriptor);
    } catch (NoSuchFileException closed) {
      return List.of();
    }
  }

  /** Those of them that the kernel still has, as bpftool names them. */
  Set<String> alive() {
    Set<String> alive = new TreeSet<>();
    alive.addAll(existing("prog", programs));
    alive.addAll(existing("map", maps));
    alive.addAll(existing("link", links));
    return alive;
  }

  private static Set<String> existing(String kind, Set<Long> ids) {
    String all = Command.run("bpftool", kind, "show");
    Set<String> found = new TreeSet<>();
    for (String line : all.split("\n")) {
      for (long id : ids) {
        if (line.startsWith(id + ": ")) {
          found.add(kind + " " + line);
        }
      }
    }
    return found;
  }
}
