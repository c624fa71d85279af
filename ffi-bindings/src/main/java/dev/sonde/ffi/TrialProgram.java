package dev.sonde.ffi;

import dev.sonde.ffi.internal.Downcalls;
import dev.sonde.ffi.internal.LibBpf;
import dev.sonde.ffi.internal.LibC;
import dev.sonde.ffi.internal.Native;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/** A few instructions that are loaded to see what the kernel says, and never run. */
final class TrialProgram {
  /** {@code struct bpf_prog_load_opts} up to attach_btf_obj_fd, which libbpf 1.0 has. */
  private static final int OPTIONS_SIZE = 48;

  private static final long OPTIONS_ATTACH_TYPE = 12;
  private static final long OPTIONS_ATTACH_BTF_ID = 32;

  private TrialProgram() {}

  /**
   * @param type {@code enum bpf_prog_type}
   * @return the error that it was refused with; empty if it was let in
   */
  static Optional<Errno> refusal(int type, int attachType, int attachBtfId, long... instructions) {
    Libbpf.require();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment code = arena.allocate(instructions.length * 8L, 8);
      for (int i = 0; i < instructions.length; i++) {
        Native.i64(code, i * 8L, instructions[i]);
      }
      MemorySegment options = arena.allocate(OPTIONS_SIZE, 8);
      Native.i64(options, 0, OPTIONS_SIZE);
      Native.i32(options, OPTIONS_ATTACH_TYPE, attachType);
      Native.i32(options, OPTIONS_ATTACH_BTF_ID, attachBtfId);
      int result =
          LibBpf.bpf_prog_load(
              type,
              arena.allocateFrom("sonde_trial"),
              arena.allocateFrom("Dual BSD/GPL"),
              code,
              instructions.length,
              options);
      if (result >= 0) {
        int ignored = LibC.close(Downcalls.newCapture(arena), result);
        return Optional.empty();
      }
      return Optional.of(Errno.ofResult(result));
    }
  }
}
