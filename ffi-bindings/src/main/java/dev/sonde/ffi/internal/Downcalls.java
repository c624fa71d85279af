package dev.sonde.ffi.internal;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.util.Collections;

/**
 * What both C libraries share: symbols by name, one way to call them, and errno captured beside
 * each call.
 *
 * <pre>{@code
 * private static final MemorySegment CLOSE = Downcalls.symbol(LIBRARY, "close");
 * int result = (int) Downcalls.callErrno(CLOSE, capture, fd);
 * }</pre>
 *
 * <p><b>Why one shape for all functions.</b> Every signature that is linked makes the JDK generate
 * a stub and some ten hidden classes at run time, which no AOT cache holds; with a handle for each
 * function they were half of the agent's start (docs/footprint.md). Both ABIs that Sonde runs on
 * pass integers and pointers alike in the same registers (System V AMD64 ABI 3.2.3; AAPCS64 6.8.2),
 * so that a function of up to {@value #ARGUMENTS} of them may be called as one of {@value
 * #ARGUMENTS} longs: it does not look at what it does not expect. A long holds an {@code int} sign-
 * extended and a {@code bool} as 0 or 1. Of the result, only the bits of C's type count: cast it to
 * {@code int}, or to {@code byte} for a bool.
 *
 * <p>This is not for {@code float} and {@code double}, structs by value, or variadic functions
 * ({@link #linkVariadic}).
 *
 * <p><b>Lifetime.</b> C sees plain addresses. {@link #pointer} refuses memory that C cannot use,
 * but the call keeps no arena alive: the callers' arenas are confined or global, so that none can
 * end during the call.
 */
@SuppressWarnings("restricted")
public final class Downcalls {
  /** Of any function: bpf_map_lookup_batch has as many, the seventh on the stack on x86_64. */
  private static final int ARGUMENTS = 7;

  private static final Linker LINKER = Linker.nativeLinker();
  private static final StructLayout CAPTURE = Linker.Option.captureStateLayout();

  /** All there is in it on Linux; not by a layout path, which makes classes at run time. */
  private static final long ERRNO = 0;

  private static final FunctionDescriptor SHAPE =
      FunctionDescriptor.of(
          JAVA_LONG, Collections.nCopies(ARGUMENTS, JAVA_LONG).toArray(MemoryLayout[]::new));
  private static final MethodHandle CALL =
      LINKER.downcallHandle(SHAPE, Linker.Option.captureCallState("errno"));

  /** Where errno goes that nobody asks for: written by all threads and read by none. */
  private static final MemorySegment UNREAD = newCapture(Arena.global());

  private Downcalls() {}

  /**
   * A segment for one owner's errno: one per call or per thread that calls, never shared, because
   * every captured call writes it.
   */
  public static MemorySegment newCapture(Arena arena) {
    return arena.allocate(CAPTURE);
  }

  /** The errno that the last call with {@code capture} left. */
  static int errno(MemorySegment capture) {
    return capture.get(JAVA_INT, ERRNO);
  }

  /** The address of a C function. */
  static MemorySegment symbol(SymbolLookup library, String name) {
    return library
        .find(name)
        .orElseThrow(
            () -> new AssertionError(name + " is not in the library; its version was checked"));
  }

  /**
   * The argument for a pointer.
   *
   * @throws IllegalArgumentException it is an array's memory, which has no address for C
   * @throws IllegalStateException its arena is closed
   */
  static long pointer(MemorySegment memory) {
    if (!memory.isNative()) {
      throw new IllegalArgumentException("heap memory has no address that C could use: " + memory);
    }
    if (!memory.scope().isAlive()) {
      throw new IllegalStateException("Already closed: " + memory);
    }
    return memory.address();
  }

  /** The result as a pointer, of no size. */
  static MemorySegment result(long pointer) {
    return MemorySegment.ofAddress(pointer);
  }

  static long call(MemorySegment function) {
    return call(function, 0, 0, 0, 0, 0, 0, 0);
  }

  static long call(MemorySegment function, long a) {
    return call(function, a, 0, 0, 0, 0, 0, 0);
  }

  static long call(MemorySegment function, long a, long b) {
    return call(function, a, b, 0, 0, 0, 0, 0);
  }

  static long call(MemorySegment function, long a, long b, long c) {
    return call(function, a, b, c, 0, 0, 0, 0);
  }

  static long call(MemorySegment function, long a, long b, long c, long d) {
    return call(function, a, b, c, d, 0, 0, 0);
  }

  /** The bits of what {@code function} returned in the integer register. */
  static long call(MemorySegment function, long a, long b, long c, long d, long e, long f, long g) {
    try {
      return (long) CALL.invokeExact(function, UNREAD, a, b, c, d, e, f, g);
    } catch (Throwable t) {
      throw bug(t);
    }
  }

  static long callErrno(MemorySegment function, MemorySegment capture, long a) {
    return callErrno(function, capture, a, 0, 0, 0, 0, 0);
  }

  static long callErrno(MemorySegment function, MemorySegment capture, long a, long b) {
    return callErrno(function, capture, a, b, 0, 0, 0, 0);
  }

  static long callErrno(MemorySegment function, MemorySegment capture, long a, long b, long c) {
    return callErrno(function, capture, a, b, c, 0, 0, 0);
  }

  /** Like {@link #call}; errno is in {@code capture} afterwards. */
  static long callErrno(
      MemorySegment function,
      MemorySegment capture,
      long a,
      long b,
      long c,
      long d,
      long e,
      long f) {
    try {
      return (long) CALL.invokeExact(function, capture, a, b, c, d, e, f, 0L);
    } catch (Throwable t) {
      throw bug(t);
    }
  }

  /**
   * A handle for a C function with {@code ...} after {@code fixed} arguments, whose first argument
   * is a capture segment. Each costs classes generated at run time: link it where it is first used.
   */
  static MethodHandle linkVariadic(
      SymbolLookup library, String name, FunctionDescriptor type, int fixed) {
    return LINKER.downcallHandle(
        symbol(library, name),
        type,
        Linker.Option.captureCallState("errno"),
        Linker.Option.firstVariadicArg(fixed));
  }

  static SymbolLookup defaultLookup() {
    return LINKER.defaultLookup();
  }

  /** A Throwable out of a method handle is a mistake in this package, never data. */
  static AssertionError bug(Throwable cause) {
    return new AssertionError("foreign call failed before it reached C", cause);
  }
}
