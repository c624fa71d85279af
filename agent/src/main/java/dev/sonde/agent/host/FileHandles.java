package dev.sonde.agent.host;

import com.sun.jna.Memory;
import com.sun.jna.Native;
import com.sun.jna.platform.linux.ErrNo;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Opens directories of one kernfs file system (a cgroup hierarchy) by their 64-bit id, without
 * knowing their names.
 *
 * <p>{@code open_by_handle_at(2)} with a handle made by hand: type 0xfe (FILEID_KERNFS), 8 bytes,
 * the id. Works alike on v1 and v2; the same trick as systemd's {@code cg_get_cgroupid}, reversed.
 *
 * <pre>{@code
 * try (FileHandles handles = FileHandles.open(Path.of("/sys/fs/cgroup/cpu"))) {
 *   String path = handles.path(17);   // "/kubepods/…", or null: no such cgroup (any more)
 * }
 * }</pre>
 *
 * <p>Owns one descriptor of the mount and one native buffer; calls from several threads take turns.
 * Needs CAP_DAC_READ_SEARCH. Kernel floor: 5.5.
 */
public final class FileHandles implements AutoCloseable {
  private static final int FILEID_KERNFS = 0xfe;
  private static final int HANDLE_BYTES = 8;
  private static final int PATH_MAX = 4096;

  private final Path mount;
  private final Memory handle = new Memory(8 + HANDLE_BYTES);
  private final byte[] buffer = new byte[PATH_MAX];
  private int mountFd;

  private FileHandles(Path mount, int mountFd) {
    this.mount = mount;
    this.mountFd = mountFd;
    handle.setInt(0, HANDLE_BYTES);
    handle.setInt(4, FILEID_KERNFS);
  }

  /**
   * @throws IOException if this process cannot use handles there: no native code (JNA cannot unpack
   *     its library where java.io.tmpdir is not writable or not executable), no such directory, no
   *     capability; the message says which
   */
  public static FileHandles open(Path mount) throws IOException {
    int fd;
    try {
      fd = LibC.open(zeroTerminated(mount.toString()), LibC.O_DIRECTORY | LibC.O_CLOEXEC);
    } catch (LinkageError e) {
      throw new IOException(
          "load JNA: "
              + e.getMessage()
              + "; give it a writable, executable directory with -Djna.tmpdir",
          e);
    }
    if (fd < 0) {
      throw failure("open " + mount);
    }
    FileHandles handles = new FileHandles(mount, fd);
    try {
      // The id of no cgroup: ESTALE from a kernel that would have answered, EPERM else.
      handles.path(-1);
    } catch (IOException e) {
      handles.close();
      throw e;
    }
    return handles;
  }

  /**
   * The path of directory {@code id} below the mount, or null if there is none.
   *
   * @throws IOException if the kernel refuses to say
   */
  public synchronized @Nullable String path(long id) throws IOException {
    int fd = openId(id);
    if (fd < 0) {
      return null;
    }
    try {
      byte[] link = zeroTerminated("/proc/self/fd/" + fd);
      long length = LibC.readlink(link, buffer, buffer.length);
      if (length < 0) {
        throw failure("readlink /proc/self/fd/" + fd);
      }
      String path = new String(buffer, 0, (int) length, StandardCharsets.UTF_8);
      return below(mount.toString(), path);
    } finally {
      LibC.close(fd);
    }
  }

  /**
   * Whether directory {@code id} is still there. Allocates nothing.
   *
   * @throws IOException if the kernel refuses to say
   */
  public synchronized boolean exists(long id) throws IOException {
    int fd = openId(id);
    if (fd < 0) {
      return false;
    }
    LibC.close(fd);
    return true;
  }

  private int openId(long id) throws IOException {
    if (mountFd < 0) {
      throw new IOException("cgroup file handles of " + mount + " are closed");
    }
    handle.setLong(8, id);
    int fd = LibC.open_by_handle_at(mountFd, handle, LibC.O_PATH | LibC.O_CLOEXEC);
    if (fd < 0 && Native.getLastError() != ErrNo.ESTALE) {
      throw failure("open_by_handle_at in " + mount);
    }
    return fd;
  }

  /** {@code path} without {@code mount} before it: "/" for the mount itself. */
  static String below(String mount, String path) {
    if (!path.startsWith(mount)) {
      return path;
    }
    String rest = path.substring(mount.length());
    return rest.isEmpty() ? "/" : rest;
  }

  private static byte[] zeroTerminated(String s) {
    return (s + "\0").getBytes(StandardCharsets.UTF_8);
  }

  private static IOException failure(String what) {
    int errno = Native.getLastError();
    return switch (errno) {
      case ErrNo.EPERM ->
          new IOException(what + ": EPERM (Operation not permitted); grant CAP_DAC_READ_SEARCH");
      case ErrNo.ENOENT -> new IOException(what + ": ENOENT (No such file or directory)");
      default -> new IOException(what + ": errno " + errno);
    };
  }

  @Override
  public synchronized void close() {
    if (mountFd >= 0) {
      LibC.close(mountFd);
      mountFd = -1;
    }
  }
}
