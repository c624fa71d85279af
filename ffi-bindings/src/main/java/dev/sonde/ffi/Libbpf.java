package dev.sonde.ffi;

import dev.sonde.ffi.internal.LibC;
import dev.sonde.ffi.internal.NativeLibraries;

/**
 * The libbpf that this process uses. Everything else here asks for it on first use; a program that
 * wants a clear message early calls {@link #require}.
 *
 * {@snippet :
 * Libbpf.require();
 * System.out.println(Libbpf.version()); // v1.1
 * }
 *
 * <p>Thread-safe.
 */
public final class Libbpf {
  private Libbpf() {}

  /**
   * Opens libbpf and checks its version.
   *
   * @throws NativeLibraryException it is missing or older than 1.0
   */
  public static void require() throws NativeLibraryException {
    NativeLibraries.requireLibbpf();
  }

  /** What {@code libbpf_version_string()} says, such as {@code v1.1}. */
  public static String version() throws NativeLibraryException {
    return NativeLibraries.libbpf().version();
  }

  /** The soname or path that was opened. */
  public static String path() throws NativeLibraryException {
    return NativeLibraries.libbpf().path();
  }

  /**
   * Gives back to the kernel what libbpf allocated while objects were opened and loaded: it parses
   * the kernel's types (5 MB) for each, and glibc keeps what it frees. Costs some milliseconds;
   * worth it once, after the last load. Any thread.
   */
  public static void releaseMemory() {
    boolean ignored = LibC.mallocTrim();
  }
}
