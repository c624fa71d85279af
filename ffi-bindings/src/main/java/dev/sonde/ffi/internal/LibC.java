package dev.sonde.ffi.internal;

import static dev.sonde.ffi.internal.Downcalls.call;
import static dev.sonde.ffi.internal.Downcalls.callErrno;
import static dev.sonde.ffi.internal.Downcalls.errno;
import static dev.sonde.ffi.internal.Downcalls.pointer;
import static dev.sonde.ffi.internal.Downcalls.symbol;
import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;

/**
 * The few libc calls that the bindings need, by their C names. Each takes the {@code capture}
 * segment of its owner ({@link Downcalls#newCapture}) and returns a negative errno on failure.
 */
@SuppressWarnings("MemberName") // C names, so that a search finds the manual page
public final class LibC {
  /** mmap: pages may be read. */
  public static final int PROT_READ = 1;

  /** mmap: pages may be written. */
  public static final int PROT_WRITE = 2;

  /** mmap: changes are shared with the kernel. */
  public static final int MAP_SHARED = 0x01;

  /** mmap: a private copy. */
  public static final int MAP_PRIVATE = 0x02;

  /** mmap: memory without a file. */
  public static final int MAP_ANONYMOUS = 0x20;

  /** mmap: no swap is set aside, pages cost nothing until touched. */
  public static final int MAP_NORESERVE = 0x4000;

  /** eventfd: close on exec. */
  public static final int EFD_CLOEXEC = 0x80000;

  /** eventfd: reading an empty one returns EAGAIN. */
  public static final int EFD_NONBLOCK = 0x800;

  /** open: only a name for a file; no permission on it needed, nothing can be read through it. */
  public static final int O_PATH = 0x200000;

  /** open: close on exec. */
  public static final int O_CLOEXEC = 0x80000;

  /** poll: there is data to read. */
  public static final short POLLIN = 1;

  /** Bytes of {@code struct pollfd}: {@code int fd; short events; short revents}. */
  public static final long POLLFD_SIZE = 8;

  private static final int SC_PAGESIZE = 30;

  private static final SymbolLookup LIBRARY = Downcalls.defaultLookup();

  /**
   * open(2) with two arguments and no more, which glibc has for its own checks. What is variadic
   * needs a handle of its own, and its classes cost a start more than all that it opens.
   */
  private static final MemorySegment OPEN = symbol(LIBRARY, "__open_2");

  private static final MemorySegment MMAP = symbol(LIBRARY, "mmap");
  private static final MemorySegment MUNMAP = symbol(LIBRARY, "munmap");
  private static final MemorySegment MPROTECT = symbol(LIBRARY, "mprotect");
  private static final MemorySegment POLL = symbol(LIBRARY, "poll");
  private static final MemorySegment READ = symbol(LIBRARY, "read");
  private static final MemorySegment PREAD = symbol(LIBRARY, "pread");
  private static final MemorySegment WRITE = symbol(LIBRARY, "write");
  private static final MemorySegment CLOSE = symbol(LIBRARY, "close");
  private static final MemorySegment EVENTFD = symbol(LIBRARY, "eventfd");

  private static final MemorySegment OPENDIR = symbol(LIBRARY, "opendir");
  private static final MemorySegment DIRFD = symbol(LIBRARY, "dirfd");
  private static final MemorySegment CLOSEDIR = symbol(LIBRARY, "closedir");
  private static final MemorySegment READLINK = symbol(LIBRARY, "readlink");
  private static final MemorySegment OPEN_BY_HANDLE_AT = symbol(LIBRARY, "open_by_handle_at");

  private static final MemorySegment MEMMEM = symbol(LIBRARY, "memmem");

  private static final MemorySegment CLOCK_GETRES = symbol(LIBRARY, "clock_getres");

  private static final MemorySegment SYSCONF = symbol(LIBRARY, "sysconf");

  /** glibc has no wrapper for it, and its number differs by architecture. */
  private static final long NR_PERF_EVENT_OPEN =
      System.getProperty("os.arch", "").equals("aarch64") ? 241 : 298;

  private static final long PERF_FLAG_FD_CLOEXEC = 8;

  /**
   * Functions that need handles of their own. Linked by their first call: only a kernel without
   * ring buffers needs them.
   */
  private static final class Variadic {
    static final MethodHandle SYSCALL_PERF =
        Downcalls.linkVariadic(
            LIBRARY,
            "syscall",
            FunctionDescriptor.of(
                JAVA_LONG, JAVA_LONG, ADDRESS, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG),
            1);
    static final MethodHandle IOCTL =
        Downcalls.linkVariadic(
            LIBRARY, "ioctl", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG), 2);

    private Variadic() {}
  }

  private LibC() {}

  /** mmap(2); a segment at a negative errno on failure, see {@link #isError}. */
  public static MemorySegment mmap(
      MemorySegment capture,
      MemorySegment address,
      long length,
      int protection,
      int flags,
      int fd,
      long offset) {
    long result = callErrno(MMAP, capture, pointer(address), length, protection, flags, fd, offset);
    return MemorySegment.ofAddress(result == -1 ? -errno(capture) : result);
  }

  /** munmap(2); 0 or a negative errno. */
  public static int munmap(MemorySegment capture, MemorySegment address, long length) {
    return failable((int) callErrno(MUNMAP, capture, pointer(address), length), capture);
  }

  /** mprotect(2); 0 or a negative errno. */
  public static int mprotect(
      MemorySegment capture, MemorySegment address, long length, int protection) {
    return failable(
        (int) callErrno(MPROTECT, capture, pointer(address), length, protection), capture);
  }

  /** memmem(3): whether {@code needle} stands anywhere in {@code haystack}. */
  public static boolean contains(MemorySegment haystack, MemorySegment needle) {
    return call(MEMMEM, pointer(haystack), haystack.byteSize(), pointer(needle), needle.byteSize())
        != 0;
  }

  /** poll(2); the number of ready descriptors or a negative errno. */
  public static int poll(MemorySegment capture, MemorySegment fds, long count, int timeoutMillis) {
    return failable((int) callErrno(POLL, capture, pointer(fds), count, timeoutMillis), capture);
  }

  /** read(2); bytes read, 0 at the end, or a negative errno. */
  public static long read(MemorySegment capture, int fd, MemorySegment buffer, long size) {
    long result = callErrno(READ, capture, fd, pointer(buffer), size);
    return result == -1 ? -errno(capture) : result;
  }

  /** pread(2); bytes read, 0 at the end, or a negative errno. */
  public static long pread(
      MemorySegment capture, int fd, MemorySegment buffer, long size, long offset) {
    long result = callErrno(PREAD, capture, fd, pointer(buffer), size, offset, 0, 0);
    return result == -1 ? -errno(capture) : result;
  }

  /** open(2) of a file that exists, read-only unless {@code flags} say otherwise. */
  public static int open(MemorySegment capture, MemorySegment path, int flags) {
    return failable((int) callErrno(OPEN, capture, pointer(path), flags), capture);
  }

  /** write(2); bytes written or a negative errno. */
  public static long write(MemorySegment capture, int fd, MemorySegment buffer, long size) {
    long result = callErrno(WRITE, capture, fd, pointer(buffer), size);
    return result == -1 ? -errno(capture) : result;
  }

  /** close(2); 0 or a negative errno. */
  public static int close(MemorySegment capture, int fd) {
    return failable((int) callErrno(CLOSE, capture, fd), capture);
  }

  /** eventfd(2); a descriptor or a negative errno. */
  public static int eventfd(MemorySegment capture, int initial, int flags) {
    return failable((int) callErrno(EVENTFD, capture, initial, flags), capture);
  }

  /**
   * opendir(3); a segment at a negative errno on failure. Here for a directory's descriptor:
   * open(2) is variadic, and would need a handle of its own.
   */
  public static MemorySegment opendir(MemorySegment capture, MemorySegment path) {
    long result = callErrno(OPENDIR, capture, pointer(path));
    return MemorySegment.ofAddress(result == 0 ? -errno(capture) : result);
  }

  /** dirfd(3); the descriptor belongs to {@code stream}. */
  public static int dirfd(MemorySegment capture, MemorySegment stream) {
    return failable((int) callErrno(DIRFD, capture, pointer(stream)), capture);
  }

  /** closedir(3); 0 or a negative errno. */
  public static int closedir(MemorySegment capture, MemorySegment stream) {
    return failable((int) callErrno(CLOSEDIR, capture, pointer(stream)), capture);
  }

  /** readlink(2): the number of bytes written, no NUL after them, or a negative errno. */
  public static long readlink(
      MemorySegment capture, MemorySegment path, MemorySegment buffer, long size) {
    long result = callErrno(READLINK, capture, pointer(path), pointer(buffer), size);
    return result == -1 ? -errno(capture) : result;
  }

  /** open_by_handle_at(2); a descriptor or a negative errno. Needs CAP_DAC_READ_SEARCH. */
  public static int open_by_handle_at(
      MemorySegment capture, int mountFd, MemorySegment handle, int flags) {
    return failable(
        (int) callErrno(OPEN_BY_HANDLE_AT, capture, mountFd, pointer(handle), flags), capture);
  }

  /** clock_getres(2): 0 or a negative errno; {@code timespec} is two longs. */
  public static int clock_getres(MemorySegment capture, int clock, MemorySegment timespec) {
    return failable((int) callErrno(CLOCK_GETRES, capture, clock, pointer(timespec)), capture);
  }

  /** sysconf(_SC_PAGESIZE): 4 KiB on x86_64, up to 64 KiB on arm64. */
  public static long pageSize() {
    return call(SYSCONF, SC_PAGESIZE);
  }

  /**
   * malloc_trim(3): gives free memory of the C heap back to the kernel; whether there was any.
   * glibc's own: elsewhere nothing happens.
   */
  public static boolean mallocTrim() {
    return LIBRARY.find("malloc_trim").map(function -> (int) call(function, 0) == 1).orElse(false);
  }

  /** perf_event_open(2) for any process on {@code cpu}; a descriptor or a negative errno. */
  public static int perfEventOpen(MemorySegment capture, MemorySegment attributes, int cpu) {
    try {
      long result =
          (long)
              Variadic.SYSCALL_PERF.invokeExact(
                  capture, NR_PERF_EVENT_OPEN, attributes, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
      return result == -1 ? -errno(capture) : (int) result;
    } catch (Throwable t) {
      throw Downcalls.bug(t);
    }
  }

  /** ioctl(2) with an integer argument; 0 or a negative errno. */
  public static int ioctl(MemorySegment capture, int fd, long request, long argument) {
    try {
      int result = (int) Variadic.IOCTL.invokeExact(capture, fd, request, argument);
      return result == -1 ? -errno(capture) : result;
    } catch (Throwable t) {
      throw Downcalls.bug(t);
    }
  }

  private static int failable(int result, MemorySegment capture) {
    return result == -1 ? -errno(capture) : result;
  }

  /** Whether a pointer result is a negative errno. */
  public static boolean isError(MemorySegment result) {
    return result.address() < 0 && result.address() >= -4095;
  }
}
