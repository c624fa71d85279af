package dev.sonde.ffi.internal;

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

  /** poll: there is data to read. */
  public static final short POLLIN = 1;

  /** Bytes of {@code struct pollfd}: {@code int fd; short events; short revents}. */
  public static final long POLLFD_SIZE = 8;

  private static final int SC_PAGESIZE = 30;

  private static final SymbolLookup LIBRARY = Downcalls.defaultLookup();

  private static final MethodHandle MMAP =
      Downcalls.linkErrno(
          LIBRARY,
          "mmap",
          FunctionDescriptor.of(
              ADDRESS, ADDRESS, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG));
  private static final MethodHandle MUNMAP =
      Downcalls.linkErrno(LIBRARY, "munmap", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG));
  private static final MethodHandle MPROTECT =
      Downcalls.linkErrno(
          LIBRARY, "mprotect", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT));
  private static final MethodHandle POLL =
      Downcalls.linkErrno(
          LIBRARY, "poll", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT));
  private static final MethodHandle READ =
      Downcalls.linkErrno(
          LIBRARY, "read", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG));
  private static final MethodHandle WRITE =
      Downcalls.linkErrno(
          LIBRARY, "write", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG));
  private static final MethodHandle CLOSE =
      Downcalls.linkErrno(LIBRARY, "close", FunctionDescriptor.of(JAVA_INT, JAVA_INT));
  private static final MethodHandle EVENTFD =
      Downcalls.linkErrno(LIBRARY, "eventfd", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT));

  private static final MethodHandle SYSCONF =
      Downcalls.link(LIBRARY, "sysconf", FunctionDescriptor.of(JAVA_LONG, JAVA_INT));

  /** glibc has no wrapper for it, and its number differs by architecture. */
  private static final long NR_PERF_EVENT_OPEN =
      System.getProperty("os.arch", "").equals("aarch64") ? 241 : 298;

  private static final long PERF_FLAG_FD_CLOEXEC = 8;

  private static final MethodHandle SYSCALL_PERF =
      Downcalls.linkVariadic(
          LIBRARY,
          "syscall",
          FunctionDescriptor.of(
              JAVA_LONG, JAVA_LONG, ADDRESS, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG),
          1);
  private static final MethodHandle IOCTL =
      Downcalls.linkVariadic(
          LIBRARY, "ioctl", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG), 2);

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
    try {
      MemorySegment result =
          (MemorySegment) MMAP.invokeExact(capture, address, length, protection, flags, fd, offset);
      return result.address() == -1 ? failed(capture) : result;
    } catch (Throwable t) {
      throw Downcalls.bug(t);
    }
  }

  /** munmap(2); 0 or a negative errno. */
  public static int munmap(MemorySegment capture, MemorySegment address, long length) {
    try {
      int result = (int) MUNMAP.invokeExact(capture, address, length);
      return result == -1 ? -Downcalls.errno(capture) : result;
    } catch (Throwable t) {
      throw Downcalls.bug(t);
    }
  }

  /** mprotect(2); 0 or a negative errno. */
  public static int mprotect(
      MemorySegment capture, MemorySegment address, long length, int protection) {
    try {
      int result = (int) MPROTECT.invokeExact(capture, address, length, protection);
      return result == -1 ? -Downcalls.errno(capture) : result;
    } catch (Throwable t) {
      throw Downcalls.bug(t);
    }
  }

  /** poll(2); the number of ready descriptors or a negative errno. */
  public static int poll(MemorySegment capture, MemorySegment fds, long count, int timeoutMillis) {
    try {
      int result = (int) POLL.invokeExact(capture, fds, count, timeoutMillis);
      return result == -1 ? -Downcalls.errno(capture) : result;
    } catch (Throwable t) {
      throw Downcalls.bug(t);
    }
  }

  /** read(2); bytes read, 0 at the end, or a negative errno. */
  public static long read(MemorySegment capture, int fd, MemorySegment buffer, long size) {
    try {
      long result = (long) READ.invokeExact(capture, fd, buffer, size);
      return result == -1 ? -Downcalls.errno(capture) : result;
    } catch (Throwable t) {
      throw Downcalls.bug(t);
    }
  }

  /** write(2); bytes written or a negative errno. */
  public static long write(MemorySegment capture, int fd, MemorySegment buffer, long size) {
    try {
      long result = (long) WRITE.invokeExact(capture, fd, buffer, size);
      return result == -1 ? -Downcalls.errno(capture) : result;
    } catch (Throwable t) {
      throw Downcalls.bug(t);
    }
  }

  /** close(2); 0 or a negative errno. */
  public static int close(MemorySegment capture, int fd) {
    try {
      int result = (int) CLOSE.invokeExact(capture, fd);
      return result == -1 ? -Downcalls.errno(capture) : result;
    } catch (Throwable t) {
      throw Downcalls.bug(t);
    }
  }

  /** eventfd(2); a descriptor or a negative errno. */
  public static int eventfd(MemorySegment capture, int initial, int flags) {
    try {
      int result = (int) EVENTFD.invokeExact(capture, initial, flags);
      return result == -1 ? -Downcalls.errno(capture) : result;
    } catch (Throwable t) {
      throw Downcalls.bug(t);
    }
  }

  /** sysconf(_SC_PAGESIZE): 4 KiB on x86_64, up to 64 KiB on arm64. */
  public static long pageSize() {
    try {
      return (long) SYSCONF.invokeExact(SC_PAGESIZE);
    } catch (Throwable t) {
      throw Downcalls.bug(t);
    }
  }

  /** perf_event_open(2) for any process on {@code cpu}; a descriptor or a negative errno. */
  public static int perfEventOpen(MemorySegment capture, MemorySegment attributes, int cpu) {
    try {
      long result =
          (long)
              SYSCALL_PERF.invokeExact(
                  capture, NR_PERF_EVENT_OPEN, attributes, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
      return result == -1 ? -Downcalls.errno(capture) : (int) result;
    } catch (Throwable t) {
      throw Downcalls.bug(t);
    }
  }

  /** ioctl(2) with an integer argument; 0 or a negative errno. */
  public static int ioctl(MemorySegment capture, int fd, long request, long argument) {
    try {
      int result = (int) IOCTL.invokeExact(capture, fd, request, argument);
      return result == -1 ? -Downcalls.errno(capture) : result;
    } catch (Throwable t) {
      throw Downcalls.bug(t);
    }
  }

  /** Whether a pointer result is a negative errno. */
  public static boolean isError(MemorySegment result) {
    return result.address() < 0 && result.address() >= -4095;
  }

  private static MemorySegment failed(MemorySegment capture) {
    return MemorySegment.ofAddress(-Downcalls.errno(capture));
  }
}
