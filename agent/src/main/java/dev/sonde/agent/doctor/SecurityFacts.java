package dev.sonde.agent.doctor;

import dev.sonde.agent.doctor.Capabilities.Use;
import dev.sonde.agent.probe.Attempt;
import dev.sonde.agent.probe.Attempt.Outcome;
import dev.sonde.agent.probe.ProbeReport;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** What this process may do: its user, its capabilities, the kernel's lockdown. */
final class SecurityFacts {
  private static final String LOCKDOWN = "/sys/kernel/security/lockdown";

  private SecurityFacts() {}

  static List<Fact> of(HostFiles host, List<ProbeReport> probes) {
    List<Fact> facts = new ArrayList<>();
    int uid = host.effectiveUid();
    facts.add(Fact.of("security.user", "user", Status.INFO, uid == 0 ? "root" : "uid " + uid));
    Capabilities held = Capabilities.of(host);
    facts.add(Fact.of("security.capabilities", "capabilities", Status.INFO, held.text()));
    for (Use use : Capabilities.USES) {
      if (!held.grants(use)) {
        facts.add(missing(use, host));
      }
    }
    facts.add(lockdown(host, probes));
    return List.copyOf(facts);
  }

  private static Fact missing(Use use, HostFiles host) {
    // From 5.11 on maps are charged to the memory cgroup (commit 97306be45fbe).
    boolean harmless =
        use.bit() == Capabilities.SYS_RESOURCE && !KernelFacts.isOlder(host.release(), 5, 11);
    Status status = use.required() ? Status.FAIL : harmless ? Status.INFO : Status.WARN;
    Fact fact =
        Fact.of("security." + use.name().toLowerCase(Locale.ROOT), use.name(), status, "missing")
            .because(use.loss());
    return harmless ? fact : fact.remedy("run as root, or grant " + use.name());
  }

  private static Fact lockdown(HostFiles host, List<ProbeReport> probes) {
    Optional<String> modes = host.text(LOCKDOWN);
    if (modes.isPresent()) {
      return known(modes.get());
    }
    if (host.mountOf("securityfs").isPresent()) {
      return Fact.of("security.lockdown", "lockdown", Status.OK, "none")
          .because("this kernel has no " + LOCKDOWN);
    }
    return Fact.of(
            "security.lockdown", "lockdown", Status.UNKNOWN, "unknown (securityfs not mounted)")
        .because(inferred(host, probes))
        .remedy("to know: mount -t securityfs securityfs /sys/kernel/security");
  }

  /** {@code none [integrity] confidentiality}: the brackets mark the one in force. */
  private static Fact known(String modes) {
    int open = modes.indexOf('[');
    int close = modes.indexOf(']', open + 1);
    String mode = open < 0 || close < 0 ? modes : modes.substring(open + 1, close);
    return switch (mode) {
      case "none" -> Fact.of("security.lockdown", "lockdown", Status.OK, mode);
      case "confidentiality" ->
          Fact.of("security.lockdown", "lockdown", Status.FAIL, mode)
              .because(
                  "BPF programs may not read kernel memory: see the probes for what is missing")
              .remedy("boot with lockdown=integrity or without lockdown");
      default ->
          Fact.of("security.lockdown", "lockdown", Status.WARN, mode)
              .because("fentry, fexit and kprobes may be refused; tp_btf and raw_tp work");
    };
  }

  private static String inferred(HostFiles host, List<ProbeReport> probes) {
    List<String> hints = new ArrayList<>();
    for (String word : host.text("/proc/cmdline").orElse("").split("\\s+")) {
      if (word.startsWith("lockdown=")) {
        hints.add("the kernel was booted with " + word);
      }
    }
    probes.stream()
        .filter(ProbeReport::up)
        .findFirst()
        .ifPresent(
            p ->
                hints.add(
                    "not confidentiality, since " + p.probe() + " attached by " + p.mechanism()));
    probes.stream()
        .flatMap(p -> p.attempts().stream())
        .filter(SecurityFacts::isRefused)
        .findFirst()
        .ifPresent(a -> hints.add(a.mechanism() + " is refused with EPERM, as integrity may do"));
    return hints.isEmpty() ? "nothing was tried that would tell" : String.join("; ", hints);
  }

  private static boolean isRefused(Attempt attempt) {
    return attempt.outcome() instanceof Outcome.Failed failed && failed.reason().contains("EPERM");
  }
}
