package dev.sonde.agent.truth;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A TUN device: what the kernel sends into it can be read here, and what is written here the kernel
 * receives. It may be moved to another network namespace, and goes with {@link #close}.
 *
 * <p>One thread reads and one writes. Needs root; ioctl_tun in the kernel's {@code
 * networking/tuntap.rst}.
 */
final class Tun implements AutoCloseable {
  private static final String NODE = "/dev/net/tun";
  private static final int READ_WRITE = 2;
  private static final long TUNSETIFF = 0x400454caL;
  private static final int IFF_TUN = 1;
  private static final int IFF_NO_PI = 0x1000;
  private static final int NAME_SIZE = 16;
  private static final int REQUEST_SIZE = 40;
  private static final short POLLIN = 1;
  private static final int PATIENCE_MILLIS = 100;

  static final int MOST = 65536;

  private static final MemoryLayout ERRNO = Linker.Option.captureStateLayout();
  private static final VarHandle ERRNO_VALUE =
      ERRNO.varHandle(MemoryLayout.PathElement.groupElement("errno"));

  private static final MethodHandle OPEN =
      variadic("open", 2, ValueLayout.ADDRESS, ValueLayout.JAVA_INT);
  private static final MethodHandle IOCTL =
      variadic("ioctl", 2, ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG, ValueLayout.ADDRESS);
  private static final MethodHandle READ = transfer("read");
  private static final MethodHandle WRITE = transfer("write");
  private static final MethodHandle POLL =
      handle(
          "poll",
          FunctionDescriptor.of(
              ValueLayout.JAVA_INT,
              ValueLayout.ADDRESS,
              ValueLayout.JAVA_LONG,
              ValueLayout.JAVA_INT));
  private static final MethodHandle CLOSE =
      handle("close", FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));
  private static final MethodHandle SET_SCHEDULER =
      handle(
          "sched_setscheduler",
          FunctionDescriptor.of(
              ValueLayout.JAVA_INT,
              ValueLayout.JAVA_INT,
              ValueLayout.JAVA_INT,
              ValueLayout.ADDRESS));

  private final Arena arena = Arena.ofShared();
  private final int descriptor;
  private final MemorySegment poll = arena.allocate(8, 4);

  /**
   * @param name of a device that is not there yet, 15 characters at most
   */
  Tun(String name) {
    if (!Files.exists(Path.of(NODE))) {
      Command.run("mkdir", "-p", "/dev/net");
      Command.run("mknod", NODE, "c", "10", "200");
    }
    MemorySegment errno = arena.allocate(ERRNO);
    MemorySegment request = arena.allocate(REQUEST_SIZE, 8);
    request.setString(0, name);
    request.set(ValueLayout.JAVA_SHORT, NAME_SIZE, (short) (IFF_TUN | IFF_NO_PI));
    try {
      descriptor = (int) OPEN.invokeExact(errno, arena.allocateFrom(NODE), READ_WRITE);
      if (descriptor < 0) {
        throw new AssertionError("open " + NODE + ": errno " + number(errno));
      }
      int made = (int) IOCTL.invokeExact(errno, descriptor, TUNSETIFF, request);
      if (made < 0) {
        throw new AssertionError("TUNSETIFF " + name + ": errno " + number(errno));
      }
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
    poll.set(ValueLayout.JAVA_INT, 0, descriptor);
    poll.set(ValueLayout.JAVA_SHORT, 4, POLLIN);
  }

  private static int number(MemorySegment errno) {
    return (int) ERRNO_VALUE.get(errno, 0L);
  }

  private static MethodHandle transfer(String name) {
    return handle(
        name,
        FunctionDescriptor.of(
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_INT,
            ValueLayout.ADDRESS,
            ValueLayout.JAVA_LONG));
  }

  @SuppressWarnings("restricted")
  private static MethodHandle handle(String name, FunctionDescriptor type) {
    Linker linker = Linker.nativeLinker();
    return linker.downcallHandle(linker.defaultLookup().findOrThrow(name), type);
  }

  @SuppressWarnings("restricted")
  private static MethodHandle variadic(String name, int fixed, MemoryLayout... arguments) {
    Linker linker = Linker.nativeLinker();
    return linker.downcallHandle(
        linker.defaultLookup().findOrThrow(name),
        FunctionDescriptor.of(ValueLayout.JAVA_INT, arguments),
        Linker.Option.firstVariadicArg(Math.min(fixed, arguments.length)),
        Linker.Option.captureCallState("errno"));
  }

  /**
   * Waits for the next packet, a tenth of a second at most.
   *
   * @param buffer of {@link #MOST} bytes
   * @return its length; 0 if there is none
   */
  int read(MemorySegment buffer) throws IOException {
    try {
      int ready = (int) POLL.invokeExact(poll, 1L, PATIENCE_MILLIS);
      if (ready <= 0) {
        return 0;
      }
      long n = (long) READ.invokeExact(descriptor, buffer, (long) MOST);
      if (n < 0) {
        throw new IOException("read from a TUN device failed");
      }
      return (int) n;
    } catch (IOException | RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  /** When it returns, the kernel has done with the packet what there was to do. */
  void write(MemorySegment packet) throws IOException {
    try {
      long n = (long) WRITE.invokeExact(descriptor, packet, packet.byteSize());
      if (n != packet.byteSize()) {
        throw new IOException("write to a TUN device failed");
      }
    } catch (IOException | RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  /** Lets the calling thread run before all others, where the kernel allows it; whether it does. */
  static boolean hurry() {
    try (Arena once = Arena.ofConfined()) {
      MemorySegment priority = once.allocate(4, 4);
      priority.set(ValueLayout.JAVA_INT, 0, 50);
      int fifo = 1;
      int set = (int) SET_SCHEDULER.invokeExact(0, fifo, priority);
      return set == 0;
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  /** Once nobody reads or writes any more. */
  @Override
  public void close() {
    try {
      int closed = (int) CLOSE.invokeExact(descriptor);
      if (closed != 0) {
        throw new AssertionError("close of a TUN device failed");
      }
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
    arena.close();
  }
}
