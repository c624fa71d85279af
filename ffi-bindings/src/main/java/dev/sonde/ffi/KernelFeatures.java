package dev.sonde.ffi;

import dev.sonde.ffi.internal.Downcalls;
import dev.sonde.ffi.internal.LibBpf;
import dev.sonde.ffi.internal.LibC;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.Set;

/**
 * What this kernel and this process can do.
 *
 * {@snippet :
 * boolean ring = KernelFeatures.supports(MapType.RINGBUF);
 * }
 *
 * <p>Thread-safe. The probes load a tiny program or map and cost about a millisecond each: ask
 * once.
 */
public final class KernelFeatures {
  private static final int CLOCK_MONOTONIC_COARSE = 6;

  private KernelFeatures() {}

  /** {@code uname -r}. */
  public static String release() {
    return read("/proc/sys/kernel/osrelease");
  }

  /** How many CPUs per-CPU data has room for: those that may ever be plugged in. */
  public static int possibleCpus() {
    return PerCpuValues.possibleCpus();
  }

  /**
   * Nanoseconds of a jiffy, in which the kernel counts some times: the resolution of its coarse
   * clock.
   */
  public static long jiffyNanos() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment time = arena.allocate(2L * Long.BYTES, Long.BYTES);
      int result = LibC.clock_getres(Downcalls.newCapture(arena), CLOCK_MONOTONIC_COARSE, time);
      if (result < 0) {
        throw new IllegalStateException("clock_getres: " + Errno.ofResult(result));
      }
      return time.get(ValueLayout.JAVA_LONG, 0) * 1_000_000_000L
          + time.get(ValueLayout.JAVA_LONG, Long.BYTES);
    }
  }

  /** {@code sysconf(_SC_PAGESIZE)}, in bytes; not 4096 everywhere. */
  public static long pageSize() {
    return LibC.pageSize();
  }

  /** Whether kprobes can be attached: by a perf event of their own (4.17+), or through tracefs. */
  public static boolean hasKprobes() {
    return Files.exists(Path.of("/sys/bus/event_source/devices/kprobe/type"))
        || Files.exists(Path.of("/sys/kernel/tracing/kprobe_events"))
        || Files.exists(Path.of("/sys/kernel/debug/tracing/kprobe_events"));
  }

  /** Whether CO-RE, tp_btf and fentry find the kernel's types. */
  public static boolean hasKernelBtf() {
    return Files.isReadable(Path.of("/sys/kernel/btf/vmlinux"));
  }

  /** The lockdown mode, if the kernel says. */
  public static Lockdown lockdown() {
    return Lockdown.parse(read("/sys/kernel/security/lockdown"));
  }

  /** The effective capabilities of this process, of those that matter here. */
  public static Set<Capability> capabilities() {
    long mask =
        read("/proc/self/status")
            .lines()
            .filter(line -> line.startsWith("CapEff:"))
            .mapToLong(line -> Long.parseUnsignedLong(line.substring(7).strip(), 16))
            .findFirst()
            .orElse(0);
    Set<Capability> held = EnumSet.noneOf(Capability.class);
    for (Capability capability : Capability.values()) {
      if (capability.in(mask)) {
        held.add(capability);
      }
    }
    return held;
  }

  /** Whether a map of this type can be created, by trying. */
  public static boolean supports(MapType type) {
    Libbpf.require();
    return LibBpf.libbpf_probe_bpf_map_type(type.number(), MemorySegment.NULL) == 1;
  }

  /** Whether a program of this type can be loaded, by trying. */
  public static boolean supports(ProgramType type) {
    Libbpf.require();
    return LibBpf.libbpf_probe_bpf_prog_type(type.number(), MemorySegment.NULL) == 1;
  }

  /** Empty for what is not there: absence is an answer here. */
  private static String read(String path) {
    try {
      return Files.readString(Path.of(path)).strip();
    } catch (IOException absent) {
      return "";
    }
  }
}
