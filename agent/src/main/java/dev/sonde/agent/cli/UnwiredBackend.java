package dev.sonde.agent.cli;

import dev.sonde.agent.config.Config;
import dev.sonde.agent.config.MechanismChoice;
import dev.sonde.agent.doctor.Fact;
import dev.sonde.agent.doctor.LibbpfState;
import dev.sonde.agent.doctor.StartException;
import dev.sonde.agent.doctor.StartFailure;
import dev.sonde.agent.probe.ProbeReport;
import java.io.PrintStream;
import java.util.List;
import java.util.Map;

/** Stands in where the agent is to be wired: there are no probes. */
final class UnwiredBackend implements Backend {
  @Override
  public Map<String, List<String>> ladders() {
    return Map.of(MechanismChoice.BUFFER, List.of("ring", "perf"));
  }

  @Override
  public LibbpfState libbpf(Config config) {
    return new LibbpfState.Unusable("libbpf is not bound in this build", "");
  }

  @Override
  public List<Fact> cgroups(Config config) {
    return List.of();
  }

  @Override
  public List<ProbeReport> probes(Config config) {
    return List.of();
  }

  @Override
  public List<PodRow> pods(Config config) {
    return List.of();
  }

  @Override
  public ExitCode run(Config config, PrintStream out) throws StartException {
    throw new StartException(new StartFailure.Broken("no agent in this build", ""));
  }
}
