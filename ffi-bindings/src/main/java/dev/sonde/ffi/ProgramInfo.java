package dev.sonde.ffi;

import static dev.sonde.ffi.internal.Native.i32;
import static dev.sonde.ffi.internal.Native.i64;

import dev.sonde.ffi.internal.LibBpf;
import dev.sonde.ffi.internal.Native;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * What the kernel says about a loaded program ({@code struct bpf_prog_info}). An older kernel knows
 * fewer fields; those it does not know are 0.
 *
 * @param id the kernel's number, as {@code bpftool prog} prints it
 * @param name the C function's name; the kernel itself keeps only 15 characters
 * @param runCount runs while {@link BpfStatistics} were on
 * @param runNanos time of those runs
 * @param recursionMisses runs skipped because the program already ran on that CPU (5.12)
 * @param verifiedInstructions what the verifier went through (5.16)
 */
public record ProgramInfo(
    int id,
    String name,
    long runCount,
    long runNanos,
    long recursionMisses,
    int verifiedInstructions) {

  /** {@code sizeof(struct bpf_prog_info)} as of 6.18, {@code linux/bpf.h}. */
  private static final int SIZE = 232;

  private static final long ID = 4;
  private static final long RUN_TIME_NS = 192;
  private static final long RUN_CNT = 200;
  private static final long RECURSION_MISSES = 208;
  private static final long VERIFIED_INSNS = 216;

  static ProgramInfo read(String name, int fd) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment info = arena.allocate(SIZE, 8);
      MemorySegment length = Native.intCell(arena, SIZE);
      int result = LibBpf.bpf_obj_get_info_by_fd(fd, info, length);
      if (result < 0) {
        throw new BpfException("read the info of program " + name, Errno.ofResult(result), "");
      }
      return new ProgramInfo(
          i32(info, ID),
          name,
          i64(info, RUN_CNT),
          i64(info, RUN_TIME_NS),
          i64(info, RECURSION_MISSES),
          i32(info, VERIFIED_INSNS));
    }
  }
}
