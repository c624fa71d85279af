package dev.sonde.agent.doctor;

import com.sun.jna.platform.unix.LibC;
import com.sun.jna.platform.unix.Resource;
import com.sun.jna.platform.unix.Resource.Rlimit;
import java.util.List;

/** Resource limits of this process; getrlimit(2) by JNA's mapping. */
final class Limits {
  private static final long INFINITY = -1;
  private static final long WANTED_FILES = 1024;

  private Limits() {}

  static List<Fact> facts(HostFiles host) {
    try {
      return List.of(lockedMemory(host), openFiles());
    } catch (LinkageError e) {
      // JNA unpacks a library of its own into java.io.tmpdir, which may be read-only or noexec.
      return List.of(
          Fact.of("bpf.limits", "limits", Status.UNKNOWN, "unknown")
              .because("JNA cannot load: " + e.getMessage()));
    }
  }

  private static Fact lockedMemory(HostFiles host) {
    long limit = soft(Resource.RLIMIT_MEMLOCK);
    // From 5.11 on maps are charged to the memory cgroup (commit 97306be45fbe).
    boolean matters = KernelFacts.isOlder(host.release(), 5, 11) && limit != INFINITY;
    Fact fact =
        Fact.of(
            "bpf.memlock",
            "locked memory",
            matters ? Status.WARN : Status.INFO,
            limit == INFINITY ? "unlimited" : limit / 1024 + " KiB");
    return matters
        ? fact.because("BPF maps count against it before 5.11").remedy("ulimit -l unlimited")
        : fact;
  }

  private static Fact openFiles() {
    long limit = soft(Resource.RLIMIT_NOFILE);
    boolean low = limit != INFINITY && limit < WANTED_FILES;
    Fact fact =
        Fact.of(
            "bpf.open_files",
            "open files",
            low ? Status.WARN : Status.INFO,
            limit == INFINITY ? "unlimited" : String.valueOf(limit));
    return low ? fact.remedy("ulimit -n " + WANTED_FILES) : fact;
  }

  private static long soft(int resource) {
    Rlimit limit = new Rlimit();
    if (LibC.INSTANCE.getrlimit(resource, limit) != 0) {
      throw new AssertionError("getrlimit(" + resource + ") failed");
    }
    return limit.rlim_cur;
  }
}
