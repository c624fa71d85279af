package dev.sonde.ffi;

import dev.sonde.ffi.internal.Downcalls;
import dev.sonde.ffi.internal.LibC;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;

/**
 * Reads many small files of the kernel (cgroupfs, procfs) again and again, without garbage: plain
 * descriptors, one buffer for all.
 *
 * {@snippet :
 * try (SmallFiles files = new SmallFiles(4096)) {
 *   int fd = files.open("/sys/fs/cgroup/cpu.stat"); // negative: an errno
 *   int length = files.read(fd, 0); // from the start, as often as wanted
 *   MemorySegment text = files.buffer();
 *   files.close(fd);
 * }
 * }
 *
 * <p>Reading an open file of a cgroup or process that is gone gives {@code -ENODEV} or {@code
 * -ESRCH}: a descriptor never shows another's file. Not thread-safe; owns its buffer, not the
 * descriptors.
 */
public final class SmallFiles implements AutoCloseable {
  private static final int PATH_MAX = 4096;
  private static final int ENAMETOOLONG = 36;

  private final Arena arena = Arena.ofShared();
  private final MemorySegment capture = Downcalls.newCapture(arena);
  private final MemorySegment path = arena.allocate(PATH_MAX);
  private final MemorySegment buffer;

  /**
   * @param size bytes of the buffer; what does not fit into it is read by another call
   */
  public SmallFiles(int size) {
    this.buffer = arena.allocate(size);
  }

  /** Opens it for reading: a descriptor, or a negative errno. */
  public int open(String name) {
    byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
    if (bytes.length >= PATH_MAX) {
      return -ENAMETOOLONG;
    }
    MemorySegment.copy(bytes, 0, path, ValueLayout.JAVA_BYTE, 0, bytes.length);
    path.set(ValueLayout.JAVA_BYTE, bytes.length, (byte) 0);
    return LibC.open(capture, path, LibC.O_CLOEXEC);
  }

  /** Fills the buffer from {@code offset} on: how many bytes, 0 at the end, or a negative errno. */
  public int read(int fd, long offset) {
    return (int) LibC.pread(capture, fd, buffer, buffer.byteSize(), offset);
  }

  /** Opens, reads the start and closes: how many bytes, or a negative errno. */
  public int read(String name) {
    int fd = open(name);
    if (fd < 0) {
      return fd;
    }
    int length = read(fd, 0);
    close(fd);
    return length;
  }

  /** Fills the buffer with where a symbolic link leads: how many bytes, or a negative errno. */
  public int readLink(String name) {
    byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
    if (bytes.length >= PATH_MAX) {
      return -ENAMETOOLONG;
    }
    MemorySegment.copy(bytes, 0, path, ValueLayout.JAVA_BYTE, 0, bytes.length);
    path.set(ValueLayout.JAVA_BYTE, bytes.length, (byte) 0);
    return (int) LibC.readlink(capture, path, buffer, buffer.byteSize());
  }

  /** What was read last. */
  public MemorySegment buffer() {
    return buffer;
  }

  public void close(int fd) {
    int ignored = LibC.close(capture, fd);
    assert ignored <= 0;
  }

  @Override
  public void close() {
    arena.close();
  }
}
