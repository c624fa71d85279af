package dev.sonde.ffi.internal;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;

/** What both C libraries share: linking by name, and errno captured beside each call. */
@SuppressWarnings("restricted")
public final class Downcalls {
  private static final Linker LINKER = Linker.nativeLinker();
  private static final StructLayout CAPTURE = Linker.Option.captureStateLayout();
  private static final VarHandle ERRNO =
      CAPTURE.varHandle(MemoryLayout.PathElement.groupElement("errno"));

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
    return (int) ERRNO.get(capture, 0L);
  }

  static MethodHandle link(
      SymbolLookup library, String name, FunctionDescriptor type, Linker.Option... options) {
    MemorySegment symbol =
        library
            .find(name)
            .orElseThrow(
                () -> new AssertionError(name + " is not in the library; its version was checked"));
    return LINKER.downcallHandle(symbol, type, options);
  }

  /** Like {@link #link}, with a leading capture segment as the handle's first argument. */
  static MethodHandle linkErrno(SymbolLookup library, String name, FunctionDescriptor type) {
    return link(library, name, type, Linker.Option.captureCallState("errno"));
  }

  /** Like {@link #linkErrno} for a C function with {@code ...} after {@code fixed} arguments. */
  static MethodHandle linkVariadic(
      SymbolLookup library, String name, FunctionDescriptor type, int fixed) {
    return link(
        library,
        name,
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
