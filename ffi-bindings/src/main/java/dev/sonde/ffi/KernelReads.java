package dev.sonde.ffi;

/**
 * Whether programs may read kernel memory at addresses of their own ({@code
 * bpf_probe_read_kernel}), or only follow pointers whose type the verifier knows: lockdown's
 * confidentiality mode refuses the one and not the other. Found out by a trial, since not every
 * node shows its lockdown mode.
 */
public final class KernelReads {
  private static final int BPF_PROG_TYPE_RAW_TRACEPOINT = 17;

  /** Reads the eight bytes at address 0 to its stack. */
  private static final long[] READ = {
    0xa1bfL, // r1 = r10
    0xffff_fff8_0000_0107L, // r1 += -8
    0x0000_0008_0000_02b7L, // r2 = 8
    0x03b7L, // r3 = 0
    0x0000_0071_0000_0085L, // call bpf_probe_read_kernel (113)
    0xb7L, // r0 = 0
    0x95L, // exit
  };

  private KernelReads() {}

  /** Whether the kernel has no such helper for programs; false if it lets in no program at all. */
  public static boolean refused() {
    return TrialProgram.refusal(BPF_PROG_TYPE_RAW_TRACEPOINT, 0, 0, READ)
        .filter(Errno.EINVAL::equals)
        .isPresent();
  }
}
