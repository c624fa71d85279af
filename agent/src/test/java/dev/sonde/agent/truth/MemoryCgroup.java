package dev.sonde.agent.truth;

import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/**
 * A limit on a pod's memory, in whichever hierarchy has the controller: v1's own, or the v2 tree.
 *
 * <p>On v1 a process is charged where it is at the time of the charge: it joins before it
 * allocates. Closing kills what is still in it.
 */
final class MemoryCgroup implements AutoCloseable {
  private static final Path V1 = Path.of("/sys/fs/cgroup/memory");

  private final Path directory;
  private final boolean v1;

  private MemoryCgroup(Path directory, boolean v1) {
    this.directory = directory;
    this.v1 = v1;
  }

  static MemoryCgroup limit(PodCgroup pod, long bytes) {
    boolean v1 =
        Files.exists(V1.resolve("memory.limit_in_bytes")) || Files.exists(V1.resolve("tasks"));
    try {
      Path directory = pod.directory();
      if (v1) {
        directory = V1.resolve("sonde-test-" + pod.container().substring(0, 12));
        Files.createDirectories(directory);
      } else {
        enable(directory);
      }
      Files.writeString(
          directory.resolve(v1 ? "memory.limit_in_bytes" : "memory.max"), Long.toString(bytes));
      return new MemoryCgroup(directory, v1);
    } catch (IOException e) {
      throw new AssertionError("limit memory: is the memory controller mounted?", e);
    }
  }

  /** v2: from the root down to the parent, each must hand the controller on. */
  private static void enable(Path directory) throws IOException {
    Path parent = directory.getParent();
    if (parent != null && Files.exists(parent.resolve("cgroup.subtree_control"))) {
      enable(parent);
      Files.writeString(parent.resolve("cgroup.subtree_control"), "+memory");
    }
  }

  /** A line for sh(1) that moves the shell that runs it here. */
  String join() {
    return "echo $$ > " + directory.resolve("cgroup.procs") + "; ";
  }

  /** Kills for want of memory here, by the kernel's own count. */
  long oomKills() {
    return number(v1 ? "memory.oom_control" : "memory.events", "oom_kill");
  }

  private List<String> processes() {
    try {
      return Files.readAllLines(directory.resolve("cgroup.procs"));
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private long number(String file, String key) {
    try {
      return Files.readAllLines(directory.resolve(file)).stream()
          .filter(l -> l.startsWith(key + " "))
          .mapToLong(l -> Long.parseLong(l.substring(key.length() + 1).trim()))
          .findFirst()
          .orElseThrow(() -> new AssertionError("no " + key + " in " + directory.resolve(file)));
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  @Override
  public void close() {
    if (v1) {
      for (String pid : processes()) {
        ProcessHandle.of(Long.parseLong(pid)).ifPresent(ProcessHandle::destroyForcibly);
      }
      await("the memory cgroup to be empty")
          .atMost(Duration.ofSeconds(10))
          .until(() -> !Files.exists(directory) || directory.toFile().delete());
    }
  }
}
