package dev.sonde.ffi;

/** The program types in use, of {@code enum bpf_prog_type}, with the kernel that brought them. */
public enum ProgramType {
  /** kprobe, kretprobe and uprobe (4.1). */
  KPROBE(2),
  /** tc classifier (4.1). */
  SCHED_CLS(3),
  /** Tracepoint through tracefs (4.7). */
  TRACEPOINT(5),
  /** Raw tracepoint (4.17). */
  RAW_TRACEPOINT(17),
  /** tp_btf, fentry, fexit and iterators (5.5). */
  TRACING(26);

  private final int number;

  ProgramType(int number) {
    this.number = number;
  }

  int number() {
    return number;
  }
}
