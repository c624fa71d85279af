package dev.sonde.ffi;

import dev.sonde.ffi.internal.Downcalls;
import dev.sonde.ffi.internal.LibC;
import dev.sonde.ffi.internal.Memory;
import dev.sonde.ffi.internal.Native;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Opens directories of one kernfs file system (cgroupfs, sysfs) by their 64-bit id, without knowing
 * their names: open_by_handle_at(2) with a handle made by hand.
 *
 * {@snippet :
 * try (DirectoryHandles handles = DirectoryHandles.open(Path.of("/sys/fs/cgroup/cpu"))) {
 *   String path = handles.path(17); // "/sys/fs/cgroup/cpu/a/b", or null: no such directory
 * }
 * }
 *
 * <p>Owns one descriptor of the mount and a native buffer; calls from several threads take turns.
 * Needs CAP_DAC_READ_SEARCH. Kernel floor: 5.5.
 *
 * <p>Source of the definition: {@code struct file_handle} of open_by_handle_at(2); FILEID_KERNFS of
 * include/linux/exportfs.h.
 */
public final class DirectoryHandles implements AutoCloseable {
  private static final int FILEID_KERNFS = 0xfe;
  private static final int HANDLE_BYTES = 8;
  private static final int HANDLE_TYPE = 4;
  private static final int HANDLE_ID = 8;
  private static final int PATH_MAX = 4096;

  private final Path mount;
  private final Arena arena = Arena.ofShared();
  private final MemorySegment capture = Downcalls.newCapture(arena);
  private final MemorySegment handle = arena.allocate(HANDLE_ID + HANDLE_BYTES, 8);
  private final MemorySegment buffer = arena.allocate(PATH_MAX);
  private final MemorySegment stream;
  private final int mountFd;
  private boolean closed;

  private DirectoryHandles(Path mount) throws IOException {
    this.mount = mount;
    Native.i32(handle, 0, HANDLE_BYTES);
    Native.i32(handle, HANDLE_TYPE, FILEID_KERNFS);
    this.stream = LibC.opendir(capture, arena.allocateFrom(mount.toString()));
    if (LibC.isError(stream)) {
      arena.close();
      throw failure("open " + mount, (int) -stream.address());
    }
    this.mountFd = LibC.dirfd(capture, stream);
  }

  /**
   * @throws IOException this process cannot use handles there: no such directory, no capability;
   *     the message says which
   */
  public static DirectoryHandles open(Path mount) throws IOException {
    DirectoryHandles handles = new DirectoryHandles(mount);
    try {
      // The id of no directory: ESTALE from a kernel that would have answered, EPERM else.
      boolean ignored = handles.exists(-1);
    } catch (IOException e) {
      handles.close();
      throw e;
    }
    return handles;
  }

  /**
   * The path of directory {@code id} as this process sees it, or null if there is none.
   *
   * @throws IOException the kernel refuses to say
   */
  public synchronized @Nullable String path(long id) throws IOException {
    int fd = openId(id);
    if (fd < 0) {
      return null;
    }
    try (Arena call = Arena.ofConfined()) {
      String link = "/proc/self/fd/" + fd;
      long length = LibC.readlink(capture, call.allocateFrom(link), buffer, PATH_MAX);
      if (length < 0) {
        throw failure("readlink " + link, (int) -length);
      }
      return Memory.string(buffer, length);
    } finally {
      close(fd);
    }
  }

  /**
   * Whether directory {@code id} is still there. Allocates nothing.
   *
   * @throws IOException the kernel refuses to say
   */
  public synchronized boolean exists(long id) throws IOException {
    int fd = openId(id);
    if (fd < 0) {
      return false;
    }
    close(fd);
    return true;
  }

  private int openId(long id) throws IOException {
    if (closed) {
      throw new IOException("file handles of " + mount + " are closed");
    }
    Native.i64(handle, HANDLE_ID, id);
    int fd = LibC.open_by_handle_at(capture, mountFd, handle, LibC.O_PATH | LibC.O_CLOEXEC);
    if (fd < 0 && -fd != Errno.ESTALE.number()) {
      throw failure("open_by_handle_at in " + mount, -fd);
    }
    return fd;
  }

  private void close(int fd) {
    int ignored = LibC.close(capture, fd);
    assert ignored <= 0;
  }

  private static IOException failure(String what, int errno) {
    String hint = errno == Errno.EPERM.number() ? "; grant CAP_DAC_READ_SEARCH" : "";
    return new IOException(what + ": " + new Errno(errno) + hint);
  }

  @Override
  public synchronized void close() {
    if (!closed) {
      closed = true;
      int ignored = LibC.closedir(capture, stream);
      assert ignored == 0;
      arena.close();
    }
  }
}
