package dev.sonde.agent.doctor;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/**
 * A look at a BTF file before libbpf gets it: raw BTF (as {@code /sys/kernel/btf/vmlinux}) or an
 * ELF file that may hold it (a {@code vmlinux}).
 *
 * <p>Definition: Documentation/bpf/btf.rst, {@code struct btf_header}.
 */
public sealed interface BtfFile {
  /** Where a kernel shows its own. */
  String KERNEL = "/sys/kernel/btf/vmlinux";

  /**
   * It has the right form.
   *
   * @param format {@code raw} or {@code elf}
   */
  record Usable(Path file, String format, long bytes) implements BtfFile {}

  /** It is not there, not readable or something else. */
  record Unusable(Path file, String reason) implements BtfFile {}

  /** Looks at the file's header. */
  static BtfFile check(Path file) {
    byte[] head;
    long size;
    try {
      if (Files.isDirectory(file)) {
        return new Unusable(file, "is a directory");
      }
      if (Files.exists(file) && !Files.isRegularFile(file)) {
        return new Unusable(file, "is not a regular file");
      }
      try (InputStream in = Files.newInputStream(file)) {
        head = in.readNBytes(24);
      }
      size = Files.size(file);
    } catch (NoSuchFileException e) {
      return new Unusable(file, "no such file");
    } catch (AccessDeniedException e) {
      return new Unusable(file, "permission denied");
    } catch (IOException e) {
      return new Unusable(file, String.valueOf(e.getMessage()));
    }
    if (head.length >= 4 && head[0] == 0x7f && head[1] == 'E' && head[2] == 'L' && head[3] == 'F') {
      return new Usable(file, "elf", size);
    }
    ByteBuffer header = ByteBuffer.wrap(head).order(ByteOrder.nativeOrder());
    if (head.length < 24 || (header.getShort(0) & 0xffff) != 0xeb9f) {
      return new Unusable(file, "is not a BTF file (neither BTF nor ELF at its start)");
    }
    long headerLength = Integer.toUnsignedLong(header.getInt(4));
    long types = end(header, 8);
    long strings = end(header, 16);
    if (headerLength < 24 || headerLength + Math.max(types, strings) > size) {
      return new Unusable(file, "is cut short or damaged: its header tells of more than it holds");
    }
    return new Usable(file, "raw", size);
  }

  private static long end(ByteBuffer header, int at) {
    return Integer.toUnsignedLong(header.getInt(at))
        + Integer.toUnsignedLong(header.getInt(at + 4));
  }
}
