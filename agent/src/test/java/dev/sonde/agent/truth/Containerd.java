package dev.sonde.agent.truth;

import static java.util.Objects.requireNonNull;
import static org.awaitility.Awaitility.await;

import dev.sonde.agent.guest.Patience;
import dev.sonde.agent.workload.cri.CriCalls;
import io.grpc.StatusRuntimeException;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Debian's containerd with its CRI plugin, on a socket, root and state of its own, and runc.
 *
 * {@snippet :
 * try (Containerd runtime = Containerd.start()) {
 *   String sandbox = runtime.run(pod);
 *   String id = runtime.start(sandbox, pod, Container.of("app", Containerd.BUSYBOX, "sleep", "9"));
 * }
 * }
 *
 * <p>Closing removes the pods it made, ends it and takes its mounts away.
 */
final class Containerd implements AutoCloseable {
  /** An image with a static busybox, made here. */
  static final String BUSYBOX = "localhost/sonde-busybox:1";

  private static final Duration PATIENCE = Patience.seconds(60);

  private final Path dir;
  private final List<String> sandboxes = new CopyOnWriteArrayList<>();
  private final Set<String> parents = ConcurrentHashMap.newKeySet();
  private @Nullable Process process;
  private @Nullable CriCalls calls;

  private Containerd(Path dir) {
    this.dir = dir;
  }

  static Containerd start() {
    try {
      // A socket's path has 107 bytes at most.
      Containerd c = new Containerd(Files.createTempDirectory("sonde-cri-"));
      try {
        c.configure();
        c.launch();
        c.load(OciImage.busybox(c.dir.resolve("image")), BUSYBOX);
        return c;
      } catch (RuntimeException | AssertionError | IOException e) {
        c.close();
        throw e;
      }
    } catch (IOException e) {
      throw new AssertionError("start containerd", e);
    }
  }

  private void configure() throws IOException {
    Files.writeString(
        dir.resolve("config.toml"),
        """
        version = 2
        root = "%1$s/root"
        state = "%1$s/state"
        disabled_plugins = ["io.containerd.snapshotter.v1.btrfs", \
        "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.aufs", \
        "io.containerd.snapshotter.v1.devmapper", "io.containerd.internal.v1.opt"]
        [grpc]
          address = "%1$s/c.sock"
        [ttrpc]
          address = "%1$s/t.sock"
        [plugins."io.containerd.grpc.v1.cri"]
          sandbox_image = "%2$s"
          restrict_oom_score_adj = true
          disable_apparmor = true
          disable_hugetlb_controller = true
          stream_server_port = "0"
          [plugins."io.containerd.grpc.v1.cri".containerd]
            snapshotter = "%3$s"
            default_runtime_name = "runc"
            [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
              runtime_type = "io.containerd.runc.v2"
          [plugins."io.containerd.grpc.v1.cri".cni]
            bin_dir = "%1$s/cni"
            conf_dir = "%1$s/cni"
        """
            .formatted(dir, BUSYBOX, snapshotter()));
  }

  /** A copy of the image for each container works everywhere; overlays do not stack. */
  private static String snapshotter() {
    return "native";
  }

  /** Starts the daemon, the first time or again. */
  void launch() {
    try {
      process =
          new ProcessBuilder(
                  "containerd", "--config", dir.resolve("config.toml").toString(), "-l", "warn")
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.appendTo(dir.resolve("log").toFile()))
              .start();
    } catch (IOException e) {
      throw new AssertionError("start containerd; install it with: make test", e);
    }
    calls = new CriCalls(socket());
    await("containerd's CRI to answer:\n" + log())
        .atMost(PATIENCE)
        .pollInterval(Duration.ofMillis(50))
        .until(() -> !process().isAlive() || answers());
    if (!process().isAlive()) {
      throw new AssertionError("containerd ended:\n" + log());
    }
  }

  private boolean answers() {
    try {
      return calls().answers();
    } catch (StatusRuntimeException notYet) {
      return false;
    }
  }

  /** Ends the daemon; what it started runs on. */
  void halt() {
    calls().close();
    process().destroy();
    try {
      if (!process().waitFor(20, TimeUnit.SECONDS)) {
        process().destroyForcibly().waitFor();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  Path socket() {
    return dir.resolve("c.sock");
  }

  Path dir() {
    return dir;
  }

  CriCalls calls() {
    return requireNonNull(calls, "launched");
  }

  private Process process() {
    return requireNonNull(process, "launched");
  }

  /** The image that every container is made of, as a file. */
  Path image() {
    return dir.resolve("image/image.tar");
  }

  /** The ids of a pod's containers. */
  List<String> containers(CriCalls.Pod pod) {
    return calls().containers(pod);
  }

  String log() {
    try {
      return Files.readString(dir.resolve("log"));
    } catch (IOException e) {
      return e.toString();
    }
  }

  /** Imports an image that {@link OciImage} made. */
  void load(Path tar, String name) {
    ctr("k8s.io", "images", "import", "--no-unpack", tar.toString());
    if (!ctr("k8s.io", "images", "ls", "-q").contains(name)) {
      throw new AssertionError("the image " + name + " was not imported");
    }
  }

  String ctr(String namespace, String... more) {
    List<String> command =
        new ArrayList<>(List.of("ctr", "-a", socket().toString(), "-n", namespace));
    command.addAll(List.of(more));
    return Command.run(command.toArray(String[]::new));
  }

  /** Runs a pod; its sandbox's id. */
  String run(CriCalls.Pod pod) {
    return run(pod, 0);
  }

  /**
   * @param attempt another one where a pod of that name and namespace is still there
   */
  String run(CriCalls.Pod pod, int attempt) {
    if (!pod.cgroupParent().isEmpty()) {
      parents.add(pod.cgroupParent());
    }
    String sandbox = calls().run(pod, attempt);
    sandboxes.add(sandbox);
    return sandbox;
  }

  /** Creates and starts a container; its id. */
  String start(String sandbox, CriCalls.Pod pod, CriCalls.Container container) {
    String id = calls().create(sandbox, pod, container);
    calls().start(id);
    return id;
  }

  void removePod(String sandbox) {
    calls().removePod(sandbox);
    sandboxes.remove(sandbox);
    removeParents();
  }

  /** The kubelet's part: the pods' own cgroups, those that are empty. */
  private synchronized void removeParents() {
    File[] roots = new File("/sys/fs/cgroup").listFiles(File::isDirectory);
    parents.removeIf(
        parent -> {
          boolean gone = removed(new File("/sys/fs/cgroup" + parent));
          for (File root : roots == null ? new File[0] : roots) {
            gone &= removed(new File(root + parent));
          }
          return gone;
        });
  }

  private static boolean removed(File directory) {
    return !directory.exists() || directory.delete();
  }

  @Override
  public void close() {
    try {
      if (process != null) {
        if (!process().isAlive()) {
          launch();
        }
        for (String sandbox : sandboxes) {
          calls().removePod(sandbox);
        }
        removeParents();
        halt();
      }
    } finally {
      tidy();
    }
  }

  private void tidy() {
    // A test that failed midway leaves mounts and shims; both name this directory.
    killShims();
    for (String mount : mounts()) {
      try {
        var _ = new ProcessBuilder("umount", "-l", mount).inheritIO().start().waitFor();
      } catch (IOException e) {
        throw new AssertionError(e);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
    try (Stream<Path> files = Files.walk(dir)) {
      files.sorted(Comparator.reverseOrder()).forEach(f -> f.toFile().delete());
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private void killShims() {
    ProcessHandle.allProcesses()
        .filter(p -> p.info().commandLine().orElse("").contains(dir + "/"))
        .filter(p -> p.info().command().orElse("").contains("containerd-shim"))
        .forEach(ProcessHandle::destroyForcibly);
  }

  private List<String> mounts() {
    try (Stream<String> lines = Files.lines(Path.of("/proc/self/mounts"))) {
      return lines
          .map(l -> l.split(" ")[1])
          .filter(m -> m.startsWith(dir + "/"))
          .sorted(Comparator.reverseOrder())
          .toList();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }
}
