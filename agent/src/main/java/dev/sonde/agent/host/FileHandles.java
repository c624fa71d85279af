package dev.sonde.agent.host;

import dev.sonde.ffi.DirectoryHandles;
import java.io.IOException;
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
  private final Path mount;
  private final DirectoryHandles handles;

  private FileHandles(Path mount, DirectoryHandles handles) {
    this.mount = mount;
    this.handles = handles;
  }

  /**
   * @throws IOException if this process cannot use handles there: no such directory, no capability;
   *     the message says which
   */
  public static FileHandles open(Path mount) throws IOException {
    return new FileHandles(mount, DirectoryHandles.open(mount));
  }

  /**
   * The path of directory {@code id} below the mount, or null if there is none.
   *
   * @throws IOException if the kernel refuses to say
   */
  public @Nullable String path(long id) throws IOException {
    String path = handles.path(id);
    return path == null ? null : below(mount.toString(), path);
  }

  /**
   * Whether directory {@code id} is still there. Allocates nothing.
   *
   * @throws IOException if the kernel refuses to say
   */
  public boolean exists(long id) throws IOException {
    return handles.exists(id);
  }

  /** {@code path} without {@code mount} before it: "/" for the mount itself. */
  static String below(String mount, String path) {
    if (!path.startsWith(mount)) {
      return path;
    }
    String rest = path.substring(mount.length());
    return rest.isEmpty() ? "/" : rest;
  }

  @Override
  public void close() {
    handles.close();
  }
}
