package dev.sonde.agent.probe;

import dev.sonde.agent.probe.Attempt.Outcome;
import dev.sonde.ffi.BpfException;
import java.util.List;
import java.util.regex.Pattern;

/**
 * Says in one line why the kernel refused a rung: the error number alone ("EINVAL") does not tell a
 * kernel that is too old from one that is locked down.
 */
final class Refusal {
  /** Lines of the verifier's log that are not its verdict: states, instructions, statistics. */
  private static final Pattern NOT_THE_VERDICT =
      Pattern.compile(
          "\\s*|\\d+: .*|; .*|from \\d+ to \\d+.*|processed \\d+ insns.*|insns processed.*"
              + "|verification time.*|stack depth.*|-- .*");

  /**
   * The helpers that the kernel hides from BPF programs under lockdown=confidentiality, and no
   * other time; libbpf puts the older one for the newer where it finds that missing.
   */
  private static final String READS_KERNEL_MEMORY = "bpf_probe_read";

  private Refusal() {}

  static Outcome.Failed of(BpfException e) {
    String verdict = verdict(e.verifierLog());
    if (verdict.isEmpty()) {
      return new Outcome.Failed(e.reason(), e.hint());
    }
    if (verdict.contains(READS_KERNEL_MEMORY)) {
      return new Outcome.Failed(
          e.reason() + ": lockdown (confidentiality) lets no BPF program read kernel memory",
          "boot with lockdown=integrity or without lockdown");
    }
    return new Outcome.Failed(e.reason() + ": " + verdict, e.hint());
  }

  /** The line in which the verifier says what it minds; empty if there is none. */
  static String verdict(String verifierLog) {
    List<String> lines = verifierLog.lines().toList();
    for (String line : lines.reversed()) {
      if (!NOT_THE_VERDICT.matcher(line).matches()) {
        return line.strip();
      }
    }
    return "";
  }
}
