package dev.sonde.ffi;

/** The Linux capabilities that BPF and its neighbours ask for; capabilities(7). */
public enum Capability {
  /** Reads any file. */
  CAP_DAC_READ_SEARCH(2),
  /** Network configuration; attaches tc and cgroup programs. */
  CAP_NET_ADMIN(12),
  /** Looks into other processes (/proc/P/fd, ns). */
  CAP_SYS_PTRACE(19),
  /** Everything below too, before 5.8. */
  CAP_SYS_ADMIN(21),
  /** Raises limits, such as locked memory before 5.11. */
  CAP_SYS_RESOURCE(24),
  /** Reads kernel addresses. */
  CAP_SYSLOG(34),
  /** Tracing programs and perf events (5.8). */
  CAP_PERFMON(38),
  /** Loads programs and maps (5.8). */
  CAP_BPF(39);

  private final int bit;

  Capability(int bit) {
    this.bit = bit;
  }

  /** Whether the mask of /proc/self/status has it. */
  boolean in(long mask) {
    return (mask >>> bit & 1) == 1;
  }
}
