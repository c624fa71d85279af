package dev.sonde.agent.doctor;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** A host laid out in a folder, to be changed file by file. */
final class HostFolder {
  static final String ALL_CAPABILITIES = "000001ffffffffff";

  private final Path root;

  HostFolder(Path root) {
    this.root = root;
  }

  /** A host on which everything is well. */
  static HostFolder good(Path root) throws IOException {
    HostFolder host = new HostFolder(root);
    host.write("/proc/sys/kernel/osrelease", "6.18.15\n");
    host.capabilities(0, ALL_CAPABILITIES);
    host.write(
        "/proc/self/mountinfo", "22 27 0:21 / /sys/kernel/tracing rw - tracefs tracefs rw\n");
    host.write("/sys/kernel/btf/vmlinux", btf(100));
    return host;
  }

  HostFiles files() {
    return new HostFiles(root);
  }

  void capabilities(int uid, String mask) throws IOException {
    write(
        "/proc/self/status",
        "Name:\tjava\nUid:\t%d\t%d\t%d\t%d\nCapEff:\t%s\n".formatted(uid, uid, uid, uid, mask));
  }

  void write(String name, String text) throws IOException {
    write(name, text.getBytes(StandardCharsets.UTF_8));
  }

  void write(String name, byte[] bytes) throws IOException {
    Path file = files().path(name);
    Files.createDirectories(file.getParent());
    Files.write(file, bytes);
  }

  void remove(String name) throws IOException {
    Files.delete(files().path(name));
  }

  /** A BTF header that tells of {@code strings} bytes of strings, and as many bytes after it. */
  static byte[] btf(int strings) {
    return ByteBuffer.allocate(24 + strings)
        .order(ByteOrder.nativeOrder())
        .putShort((short) 0xeb9f)
        .put((byte) 1)
        .put((byte) 0)
        .putInt(24)
        .putInt(0)
        .putInt(0)
        .putInt(0)
        .putInt(strings)
        .array();
  }
}
