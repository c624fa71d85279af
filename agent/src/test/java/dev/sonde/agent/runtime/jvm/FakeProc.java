package dev.sonde.agent.runtime.jvm;

import dev.sonde.agent.host.ProcFs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/** A /proc made of files, with processes that map performance data. */
final class FakeProc {
  private static final String RANGE = "7f0000000000-7f0000008000";
  private final Path root;

  FakeProc(Path root) {
    this.root = root;
  }

  ProcFs proc() {
    return new ProcFs(root);
  }

  /** A process that is no JVM. */
  void process(int pid, long startTime, String cgroup, String executable) throws IOException {
    Path dir = Files.createDirectories(root.resolve("" + pid));
    Files.writeString(
        dir.resolve("stat"), pid + " (a) b) S 1 " + "0 ".repeat(17) + startTime + " 0 0\n");
    Files.writeString(dir.resolve("status"), "Name:\tjava\nNSpid:\t" + pid + "\t7\n");
    Files.writeString(dir.resolve("cgroup"), "0::" + cgroup + "\n");
    Files.writeString(dir.resolve("mountinfo"), "1 0 254:0 / / rw - ext4 /dev/vda rw\n");
    Files.writeString(dir.resolve("maps"), "");
    Files.deleteIfExists(dir.resolve("exe"));
    Files.createSymbolicLink(dir.resolve("exe"), Path.of(executable));
  }

  /** Makes a process a JVM, or writes a JVM's counters anew. */
  void map(int pid, byte[] data) throws IOException {
    Path dir = root.resolve("" + pid);
    Files.writeString(
        dir.resolve("maps"), RANGE + " rw-s 00000000 fe:00 9    /tmp/hsperfdata_app/7\n");
    Files.createDirectories(dir.resolve("map_files"));
    Files.write(dir.resolve("map_files").resolve(RANGE), data);
  }

  void mountedOn(int pid, String type) throws IOException {
    Files.writeString(
        root.resolve(pid + "/mountinfo"), "1 0 254:0 / /tmp rw - " + type + " x rw\n");
  }

  /** As exec does. */
  void unmap(int pid) throws IOException {
    Files.delete(root.resolve(pid + "/map_files/" + RANGE));
    Files.writeString(root.resolve(pid + "/maps"), "");
  }

  void exit(int pid) throws IOException {
    List<Path> files;
    try (Stream<Path> walk = Files.walk(root.resolve("" + pid))) {
      files = walk.sorted(Comparator.reverseOrder()).toList();
    }
    for (Path f : files) {
      Files.delete(f);
    }
  }
}
