package dev.sonde.agent.doctor;

import dev.sonde.agent.Kernel;
import dev.sonde.agent.config.Config;
import dev.sonde.agent.config.MechanismChoice;
import dev.sonde.agent.config.Options;
import dev.sonde.agent.probe.MemoryPlan;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** What stands between Sonde and its programs: libbpf, the event buffer, the kernel's switches. */
final class BpfFacts {
  private BpfFacts() {}

  static List<Fact> of(Config config, HostFiles host, LibbpfState libbpf) {
    List<Fact> facts = new ArrayList<>();
    facts.add(libbpf(libbpf));
    facts.add(buffer(config, host));
    facts.add(memory(Kernel.memory(config)));
    facts.add(tracefs(host));
    facts.add(jit(host));
    facts.add(unprivileged(host));
    facts.add(shown(host, "bpf.perf_event_paranoid", "perf_event_paranoid", "CAP_PERFMON"));
    facts.add(shown(host, "bpf.kptr_restrict", "kptr_restrict", "CAP_SYSLOG"));
    facts.addAll(Limits.facts(host));
    return List.copyOf(facts);
  }

  private static Fact libbpf(LibbpfState libbpf) {
    return switch (libbpf) {
      case LibbpfState.Usable good ->
          Fact.of("bpf.libbpf", "libbpf", Status.OK, good.version()).because(good.path());
      case LibbpfState.Unusable bad ->
          Fact.of("bpf.libbpf", "libbpf", Status.FAIL, "unusable")
              .because(bad.reason())
              .remedy(bad.remedy());
    };
  }

  private static Fact buffer(Config config, HostFiles host) {
    Optional<String> chosen = config.get(Options.MECHANISM).of(MechanismChoice.BUFFER);
    String size = config.get(Options.RING_BUFFER_BYTES) / 1024 + " KiB";
    if (chosen.isPresent()) {
      return Fact.of("bpf.buffer", "event buffer", Status.OK, chosen.get() + ", " + size)
          .because("chosen by --mechanism");
    }
    // BPF_MAP_TYPE_RINGBUF is of 5.8 (commit 457f44363a88).
    return KernelFacts.isOlder(host.release(), 5, 8)
        ? Fact.of("bpf.buffer", "event buffer", Status.WARN, "perf, " + size)
            .because("the ring buffer needs kernel 5.8")
        : Fact.of("bpf.buffer", "event buffer", Status.OK, "ring, " + size);
  }

  private static Fact memory(MemoryPlan plan) {
    String size = plan.bytes() / 1_000_000 + " MB";
    return plan.leftOut().isEmpty()
        ? Fact.of("bpf.memory", "map memory", Status.OK, size)
        : Fact.of("bpf.memory", "map memory", Status.WARN, size)
            .because("left out for --bpf-memory-limit: " + String.join(", ", plan.leftOut()))
            .remedy("raise --bpf-memory-limit, or lower --max-workloads");
  }

  private static Fact tracefs(HostFiles host) {
    return host.mountOf("tracefs")
        .map(at -> Fact.of("bpf.tracefs", "tracefs", Status.OK, at))
        .orElse(
            Fact.of("bpf.tracefs", "tracefs", Status.WARN, "not mounted")
                .because("mechanism tracepoint needs it; tp_btf and raw_tp do not")
                .remedy("mount -t tracefs nodev /sys/kernel/tracing"));
  }

  private static Fact jit(HostFiles host) {
    return switch (host.text("/proc/sys/net/core/bpf_jit_enable").orElse("")) {
      case "" -> Fact.of("bpf.jit", "JIT", Status.UNKNOWN, "unknown");
      case "0" ->
          Fact.of("bpf.jit", "JIT", Status.WARN, "off")
              .because("programs are interpreted, at several times the cost")
              .remedy("sysctl net.core.bpf_jit_enable=1");
      default -> Fact.of("bpf.jit", "JIT", Status.OK, "on");
    };
  }

  private static Fact unprivileged(HostFiles host) {
    String id = "bpf.unprivileged";
    String label = "unprivileged BPF";
    return switch (host.text("/proc/sys/kernel/unprivileged_bpf_disabled").orElse("")) {
      case "" -> Fact.of(id, label, Status.UNKNOWN, "unknown");
      case "0" ->
          Fact.of(id, label, Status.INFO, "allowed")
              .because("Sonde needs it not; most hosts forbid it");
      default -> Fact.of(id, label, Status.INFO, "disabled");
    };
  }

  private static Fact shown(HostFiles host, String id, String label, String capability) {
    return host.text("/proc/sys/kernel/" + label)
        .map(
            value -> Fact.of(id, label, Status.INFO, value).because("no matter with " + capability))
        .orElse(Fact.of(id, label, Status.UNKNOWN, "unknown"));
  }
}
