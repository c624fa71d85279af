package dev.sonde.agent.doctor;

import dev.sonde.agent.config.Config;
import dev.sonde.agent.log.Log;
import dev.sonde.agent.probe.ProbeReport;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/**
 * Asks everything: the probes first, since what they met says more about lockdown and capabilities
 * than any file does.
 */
public final class Doctor {
  private static final Log LOG = Log.named("doctor");

  private final Config config;
  private final HostFiles host;
  private final Supplier<LibbpfState> libbpf;
  private final Supplier<List<Fact>> cgroups;
  private final ProbeTrial trial;

  /** Tries every probe's ladder, reports, and leaves nothing attached. */
  @FunctionalInterface
  public interface ProbeTrial {
    /** One report for every probe that is switched on. */
    List<ProbeReport> run() throws StartException;
  }

  /**
   * @param cgroups the facts {@code cgroup.*}
   */
  public Doctor(
      Config config,
      HostFiles host,
      Supplier<LibbpfState> libbpf,
      Supplier<List<Fact>> cgroups,
      ProbeTrial trial) {
    this.config = config;
    this.host = host;
    this.libbpf = libbpf;
    this.cgroups = cgroups;
    this.trial = trial;
  }

  /** Everything found, category by category. */
  public Findings examine(String version) {
    LibbpfState library = libbpf.get();
    List<ProbeReport> probes = List.of();
    String trouble = "";
    try {
      Preflight.check(config, host, () -> library);
      probes = trial.run();
      if (probes.isEmpty()) {
        trouble = "no probe is switched on; see --probes";
      }
    } catch (StartException e) {
      trouble = e.failure().what();
    } catch (RuntimeException e) {
      // A fault in one probe's code must not cost the facts, which may explain it.
      LOG.debug("trying the probes failed", e);
      trouble = "trying the probes failed: " + e;
    }
    List<Fact> facts = new ArrayList<>();
    facts.addAll(HostFacts.of(config));
    facts.addAll(KernelFacts.of(config, host));
    facts.addAll(SecurityFacts.of(host, probes));
    facts.addAll(cgroups.get());
    facts.addAll(BpfFacts.of(config, host, library));
    return new Findings(version, facts, probes, trouble);
  }
}
