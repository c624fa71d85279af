package dev.sonde.ffi;

import dev.sonde.ffi.internal.Downcalls;
import dev.sonde.ffi.internal.LibBpf;
import dev.sonde.ffi.internal.LibC;
import dev.sonde.ffi.internal.Native;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/**
 * Whether fentry and fexit programs are let in at all. A security policy may refuse them and
 * nothing else, which a whole object would have to be prepared to find out.
 */
final class FunctionTracing {
  private static final int BPF_PROG_TYPE_TRACING = 26;
  private static final int BPF_TRACE_FENTRY = 24;

  /** {@code struct bpf_prog_load_opts} up to attach_btf_obj_fd, which libbpf 1.0 has. */
  private static final int OPTIONS_SIZE = 48;

  private static final long OPTIONS_ATTACH_TYPE = 12;
  private static final long OPTIONS_ATTACH_BTF_ID = 32;

  /** {@code r0 = 0; exit} */
  private static final long[] RETURN_ZERO = {0xb7, 0x95};

  private FunctionTracing() {}

  /**
   * The error with which this kernel refuses every program of this kind; empty if it looks at them.
   *
   * <p>The program that is offered would run at type 1 of the kernel's types, which is no function:
   * a kernel that gets as far as that answers EINVAL.
   */
  static Optional<Errno> refusal() {
    Libbpf.require();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment code = arena.allocate(RETURN_ZERO.length * 8L, 8);
      for (int i = 0; i < RETURN_ZERO.length; i++) {
        Native.i64(code, i * 8L, RETURN_ZERO[i]);
      }
      MemorySegment options = arena.allocate(OPTIONS_SIZE, 8);
      Native.i64(options, 0, OPTIONS_SIZE);
      Native.i32(options, OPTIONS_ATTACH_TYPE, BPF_TRACE_FENTRY);
      Native.i32(options, OPTIONS_ATTACH_BTF_ID, 1);
      int result =
          LibBpf.bpf_prog_load(
              BPF_PROG_TYPE_TRACING,
              arena.allocateFrom("sonde_trial"),
              arena.allocateFrom("Dual BSD/GPL"),
              code,
              RETURN_ZERO.length,
              options);
      if (result >= 0) {
        int ignored = LibC.close(Downcalls.newCapture(arena), result);
        return Optional.empty();
      }
      Errno errno = Errno.ofResult(result);
      return errno.equals(Errno.EINVAL) ? Optional.empty() : Optional.of(errno);
    }
  }
}
