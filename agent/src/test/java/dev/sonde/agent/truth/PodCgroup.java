package dev.sonde.agent.truth;

import static org.awaitility.Awaitility.await;

import dev.sonde.agent.guest.Patience;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.Stream;

/**
 * A container's cgroup as the kubelet's cgroupfs driver would make it, in the v1 {@code cpu}
 * hierarchy and in v2, whichever are mounted.
 *
 * {@snippet :
 * try (PodCgroup pod = PodCgroup.create()) {
 *   Process hog = pod.start("sh", "-c", "while :; do :; done");
 * }
 * }
 *
 * <p>Closing kills what is still in it and removes it.
 */
final class PodCgroup implements AutoCloseable {
  private final String pod;
  private final String container;
  private final List<Path> directories;
  private final List<Process> started = new ArrayList<>();

  private PodCgroup(String pod, String container, List<Path> directories) {
    this.pod = pod;
    this.container = container;
    this.directories = directories;
  }

  static PodCgroup create() {
    byte[] id = new byte[32];
    ThreadLocalRandom.current().nextBytes(id);
    String pod = UUID.randomUUID().toString();
    String container = HexFormat.of().formatHex(id);
    List<Path> directories = new ArrayList<>();
    try {
      for (String root :
          List.of("/sys/fs/cgroup/cpu", "/sys/fs/cgroup/unified", "/sys/fs/cgroup")) {
        if (Files.exists(Path.of(root, "cgroup.procs"))) {
          Path directory = Path.of(root, "kubepods", "burstable", "pod" + pod, container);
          Files.createDirectories(directory);
          directories.add(directory);
        }
      }
    } catch (IOException e) {
      throw new AssertionError("make a cgroup: needs root and a writable cgroup file system", e);
    }
    if (directories.isEmpty()) {
      throw new AssertionError("no cgroup hierarchy below /sys/fs/cgroup");
    }
    return new PodCgroup(pod, container, directories);
  }

  /** The value of the {@code pod} label while only the path is known. */
  String pod() {
    return pod;
  }

  String container() {
    return container;
  }

  /** The labels that select this container's series, as {@link Scrape} takes them. */
  String[] labels(String... more) {
    List<String> all = new ArrayList<>(List.of("pod", pod, "container", container));
    all.addAll(List.of(more));
    return all.toArray(String[]::new);
  }

  /** The labels of the pod itself, not of its container. */
  String[] podLabels(String state) {
    return state.isEmpty()
        ? new String[] {"pod", pod, "container", ""}
        : new String[] {"pod", pod, "container", "", "state", state};
  }

  Path directory() {
    return directories.getFirst();
  }

  /** One in each hierarchy. */
  List<Path> directories() {
    return List.copyOf(directories);
  }

  /**
   * Starts a command that is in the cgroup before its first instruction. Its output goes to {@code
   * output}.
   */
  Process start(Path output, String... command) {
    return start(output, List.of(), command);
  }

  /** The same, on one CPU from before it is in the cgroup on. */
  Process startOn(int cpu, String... command) {
    return start(Path.of("/dev/null"), List.of("taskset", "-c", Integer.toString(cpu)), command);
  }

  private Process start(Path output, List<String> before, String... command) {
    StringBuilder join = new StringBuilder();
    for (Path d : directories) {
      join.append("echo $$ > ").append(d.resolve("cgroup.procs")).append(" && ");
    }
    List<String> all = new ArrayList<>(before);
    all.addAll(List.of("sh", "-c", join + "exec \"$@\"", "sh"));
    all.addAll(List.of(command));
    try {
      Process p =
          new ProcessBuilder(all).redirectErrorStream(true).redirectOutput(output.toFile()).start();
      started.add(p);
      await("the command to be in its cgroup")
          .atMost(Patience.seconds(5))
          .until(() -> !p.isAlive() || contains(p.pid()));
      return p;
    } catch (IOException e) {
      throw new AssertionError("start " + List.of(command), e);
    }
  }

  Process start(String... command) {
    return start(Path.of("/dev/null"), command);
  }

  private boolean contains(long pid) throws IOException {
    return Files.readAllLines(directory().resolve("cgroup.procs")).contains(Long.toString(pid));
  }

  /** Moves a running process here, threads included. */
  void move(long pid) {
    for (Path d : directories) {
      try {
        Files.writeString(d.resolve("cgroup.procs"), Long.toString(pid));
      } catch (IOException e) {
        throw new AssertionError("move " + pid + " to " + d, e);
      }
    }
  }

  /** A line for bash(1) that moves the shell or subshell that runs it here. */
  String join() {
    StringBuilder join = new StringBuilder();
    for (Path d : directories) {
      join.append("echo $BASHPID > ").append(d.resolve("cgroup.procs")).append("; ");
    }
    return join.toString();
  }

  /** Every process in it, threads not counted. */
  List<Long> pids() {
    try {
      return Files.readAllLines(directory().resolve("cgroup.procs")).stream()
          .map(Long::valueOf)
          .toList();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  @Override
  public void close() {
    for (Path d : directories) {
      killAll(d);
    }
    started.forEach(Process::destroyForcibly);
    for (Path d : directories) {
      await("the cgroup to be empty").atMost(Patience.seconds(10)).until(() -> remove(d));
      for (String parent : List.of("..", "../..", "../../..")) {
        removeIfEmpty(d.resolve(parent).normalize());
      }
    }
  }

  /** What is in it, and in the cgroups that a test or a container made below. */
  private static void killAll(Path directory) {
    for (Path d : children(directory)) {
      killAll(d);
    }
    try {
      for (String pid : Files.readAllLines(directory.resolve("cgroup.procs"))) {
        ProcessHandle.of(Long.parseLong(pid)).ifPresent(ProcessHandle::destroyForcibly);
      }
    } catch (IOException gone) {
      // runc removes what it made itself
    }
  }

  private static List<Path> children(Path directory) {
    try (Stream<Path> children = Files.list(directory)) {
      return children.filter(Files::isDirectory).toList();
    } catch (IOException gone) {
      return List.of();
    }
  }

  private static boolean remove(Path directory) {
    for (Path child : children(directory)) {
      if (!remove(child)) {
        return false;
      }
    }
    return !Files.exists(directory) || directory.toFile().delete();
  }

  private static void removeIfEmpty(Path directory) {
    try (Stream<Path> children = Files.list(directory)) {
      if (children.noneMatch(Files::isDirectory)) {
        directory.toFile().delete();
      }
    } catch (IOException gone) {
      // somebody else's test removed it
    }
  }
}
