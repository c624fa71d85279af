package dev.sonde.agent.host;

import com.sun.jna.Native;
import com.sun.jna.Pointer;

/**
 * The few calls of libc that Java has no way to make, by JNA: each is made once per cgroup, not per
 * event (264 ns a call against FFM's 146).
 *
 * <p>C names and C conventions: -1 and {@link Native#getLastError()} on failure. Any thread.
 */
final class LibC {
  /** Only a name for a file: no permission on it needed, nothing can be read through it. */
  static final int O_PATH = 0x200000;

  static final int O_CLOEXEC = 0x80000;

  /** The same number on x86_64 and, unlike its neighbours, not on arm64. */
  static final int O_DIRECTORY =
      System.getProperty("os.arch", "").equals("aarch64") ? 0x4000 : 0x10000;

  static {
    Native.register(LibC.class, "c");
  }

  private LibC() {}

  /** open(2). {@code path} ends with a zero byte. */
  static native int open(byte[] path, int flags);

  /** close(2). */
  static native int close(int fd);

  /** open_by_handle_at(2). Needs CAP_DAC_READ_SEARCH in the initial user namespace. */
  static native int open_by_handle_at(int mountFd, Pointer handle, int flags);

  /** readlink(2): the number of bytes written, no zero byte after them. */
  static native long readlink(byte[] path, byte[] buffer, long size);
}
