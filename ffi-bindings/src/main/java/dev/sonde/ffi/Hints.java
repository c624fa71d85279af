package dev.sonde.ffi;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.Set;
import java.util.stream.Collectors;

/** What to do about an error, where it is truly known; else nothing. */
final class Hints {
  private static final Set<Capability> TRACING =
      EnumSet.of(Capability.CAP_BPF, Capability.CAP_PERFMON);

  private Hints() {}

  static String open(Errno errno) {
    return switch (errno.number()) {
      case 4000, 4001, 4003, 22 ->
          "the object is corrupt or not a BPF object for this architecture; rebuild it";
      default -> "";
    };
  }

  static String load(Errno errno) {
    return switch (errno.number()) {
      case 1 -> permission();
      case 3 ->
          KernelFeatures.hasKernelBtf()
              ? "the kernel's BTF lacks a function or type that a program names"
              : "the kernel has no BTF at /sys/kernel/btf/vmlinux; give a BTF file of this kernel";
      case 7 -> "a program is too large, or a map setting is newer than this kernel";
      default -> "";
    };
  }

  static String attach(Errno errno, String section) {
    return switch (errno.number()) {
      case 1, 13 -> permission();
      case 2 -> absent(section);
      default -> "";
    };
  }

  static String map(Errno errno) {
    return errno.equals(Errno.EPERM) ? permission() : "";
  }

  /** EPERM has two causes: a missing capability, or a kernel that is locked down. */
  static String permission() {
    Set<Capability> held = KernelFeatures.capabilities();
    if (held.contains(Capability.CAP_SYS_ADMIN) || held.containsAll(TRACING)) {
      return switch (KernelFeatures.lockdown()) {
        case INTEGRITY, CONFIDENTIALITY ->
            "the kernel is locked down (%s), which refuses this"
                .formatted(KernelFeatures.lockdown().kernelName());
        case NONE, UNKNOWN ->
            "the capabilities are there: kernel lockdown, an LSM or a seccomp filter refuses this";
      };
    }
    return "grant "
        + TRACING.stream()
            .filter(capability -> !held.contains(capability))
            .map(Enum::name)
            .collect(Collectors.joining(" and "));
  }

  private static String absent(String section) {
    if (section.startsWith("tp/") || section.startsWith("tracepoint/")) {
      return tracepoint();
    }
    boolean kprobe = section.startsWith("kprobe/") || section.startsWith("kretprobe/");
    return kprobe && !Files.exists(Path.of("/sys/bus/event_source/devices/kprobe/type"))
        ? "this kernel has no kprobes (CONFIG_KPROBE_EVENTS)"
        : "this kernel has no such hook";
  }

  private static String tracepoint() {
    boolean mounted =
        Files.isDirectory(Path.of("/sys/kernel/tracing/events"))
            || Files.isDirectory(Path.of("/sys/kernel/debug/tracing/events"));
    return mounted
        ? "this kernel has no such tracepoint"
        : "mount tracefs: mount -t tracefs nodev /sys/kernel/tracing";
  }
}
