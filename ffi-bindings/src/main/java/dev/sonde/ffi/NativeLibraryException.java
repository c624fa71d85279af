package dev.sonde.ffi;

import dev.sonde.ffi.internal.NativeLibraries;
import org.jspecify.annotations.Nullable;

/**
 * libbpf cannot be used. The message says what was tried, on which architecture, which package to
 * install and how to name another library.
 */
public abstract sealed class NativeLibraryException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final String path;
  private final String reason;

  private NativeLibraryException(String reason, String path, @Nullable Throwable cause) {
    super(reason + "; " + advice(), cause);
    this.reason = reason;
    this.path = path;
  }

  /** What is wrong, in one line. */
  public final String reason() {
    return reason;
  }

  /** What to install or to set, in one line. */
  public final String remedy() {
    return advice();
  }

  /** The file or soname that was tried. */
  public final String path() {
    return path;
  }

  private static String advice() {
    return "install libbpf 1.0 or later (Debian package libbpf1: apt install libbpf1), or name another one by -D%s=PATH or %s=PATH"
        .formatted(NativeLibraries.PROPERTY, NativeLibraries.VARIABLE);
  }

  private static String architecture() {
    return String.valueOf(System.getProperty("os.arch"));
  }

  /** The dynamic linker finds no such library, or cannot open it. */
  public static final class Missing extends NativeLibraryException {
    private static final long serialVersionUID = 1L;

    /** The library at {@code path} did not open. */
    public Missing(String path, Throwable cause) {
      super("open " + path + ": not found or not loadable on " + architecture(), path, cause);
    }
  }

  /** There is a library, but not libbpf 1.0 or later. */
  public static final class WrongVersion extends NativeLibraryException {
    private static final long serialVersionUID = 1L;

    /** The library at {@code path} calls itself {@code version}; empty if it does not say. */
    public WrongVersion(String path, String version) {
      super(
          "open "
              + path
              + ": "
              + (version.isEmpty()
                  ? "not libbpf, or one older than 0.6"
                  : "libbpf " + version + " is older than 1.0")
              + ", on "
              + architecture(),
          path,
          null);
    }
  }
}
