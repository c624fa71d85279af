package dev.sonde.agent.truth;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A container as runc makes it, in a pod's cgroups, without a network of its own: created first, so
 * that runc has executed whatever it does of itself, and started later.
 */
final class RuncContainer implements AutoCloseable {
  private final Path state;
  private final String id;

  private RuncContainer(Path state, String id) {
    this.state = state;
    this.id = id;
  }

  /**
   * @param bundle an empty directory; its {@code rootfs} becomes the container's root
   * @param program a static executable
   * @param shared a directory that is the container's /shared
   */
  static RuncContainer create(
      Path bundle, PodCgroup pod, Path program, Path shared, String... arguments) {
    try {
      Path root = Files.createDirectory(bundle.resolve("rootfs"));
      Path executable = root.resolve("program");
      Files.copy(program, executable);
      executable.toFile().setExecutable(true);
      String args = "\"/program\", \"" + String.join("\", \"", arguments) + "\"";
      Files.writeString(
          bundle.resolve("config.json"),
          """
          {"ociVersion": "1.0.2",
           "process": {"terminal": false, "user": {"uid": 0, "gid": 0}, "args": [%s],
             "env": ["PATH=/"], "cwd": "/", "noNewPrivileges": true},
           "root": {"path": "rootfs", "readonly": false},
           "mounts": [
             {"destination": "/proc", "type": "proc", "source": "proc"},
             {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["mode=755"]},
             {"destination": "/shared", "type": "bind", "source": "%s", "options": ["bind", "rw"]}],
           "linux": {"cgroupsPath": "/kubepods/burstable/pod%s/%s",
             "namespaces": [{"type": "pid"}, {"type": "mount"}, {"type": "ipc"}, {"type": "uts"}]}}
          """
              .formatted(args, shared, pod.pod(), pod.container()));
    } catch (IOException e) {
      throw new AssertionError("make a bundle", e);
    }
    RuncContainer container =
        new RuncContainer(bundle.resolve("state"), "sonde-" + pod.container().substring(0, 12));
    // its output would keep the pipe to us open for as long as the container lives
    container.runc(
        "create --bundle "
            + bundle
            + " "
            + container.id
            + " > /dev/null 2> "
            + bundle
            + "/log < /dev/null || { cat "
            + bundle
            + "/log; exit 1; }");
    return container;
  }

  void start() {
    runc("start " + id);
  }

  private void runc(String command) {
    Command.run("sh", "-c", "runc --root " + state + " " + command);
  }

  @Override
  public void close() {
    runc("delete --force " + id);
  }
}
