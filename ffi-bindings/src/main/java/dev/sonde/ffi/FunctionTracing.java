package dev.sonde.ffi;

import java.util.Optional;

/**
 * Whether fentry and fexit programs are let in at all. A security policy may refuse them and
 * nothing else, which a whole object would have to be prepared to find out.
 */
final class FunctionTracing {
  private static final int BPF_PROG_TYPE_TRACING = 26;
  private static final int BPF_TRACE_FENTRY = 24;

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
    return TrialProgram.refusal(BPF_PROG_TYPE_TRACING, BPF_TRACE_FENTRY, 1, RETURN_ZERO)
        .filter(errno -> !errno.equals(Errno.EINVAL));
  }
}
