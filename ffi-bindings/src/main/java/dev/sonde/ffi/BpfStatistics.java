package dev.sonde.ffi;

import dev.sonde.ffi.internal.Descriptor;
import dev.sonde.ffi.internal.LibBpf;

/**
 * Keeps the kernel's run-time statistics of BPF programs on while open ({@code BPF_ENABLE_STATS},
 * 5.8): {@link ProgramInfo#runCount} and {@link ProgramInfo#runNanos} then move. Unlike the sysctl
 * it ends with the process. It costs every BPF program of the host about 20 ns a run.
 *
 * {@snippet :
 * try (BpfStatistics on = BpfStatistics.enable()) {
 *   measure(program.info());
 * }
 * }
 *
 * <p>Thread-safe.
 */
public final class BpfStatistics implements AutoCloseable {
  private static final int BPF_STATS_RUN_TIME = 0;

  private final Descriptor descriptor;

  private BpfStatistics(int fd) {
    descriptor = new Descriptor(fd);
  }

  /**
   * Switches them on; needs CAP_SYS_ADMIN.
   *
   * @throws BpfException the kernel refused
   */
  public static BpfStatistics enable() throws BpfException {
    Libbpf.require();
    int fd = LibBpf.bpf_enable_stats(BPF_STATS_RUN_TIME);
    if (fd < 0) {
      Errno errno = Errno.ofResult(fd);
      String hint =
          switch (errno.number()) {
            case 1 -> "grant CAP_SYS_ADMIN";
            case 22 -> "needs kernel 5.8";
            default -> "";
          };
      throw new BpfException("enable BPF statistics", errno, hint);
    }
    return new BpfStatistics(fd);
  }

  @Override
  public void close() {
    descriptor.close();
  }
}
