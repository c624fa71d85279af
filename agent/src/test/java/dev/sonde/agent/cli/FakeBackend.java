package dev.sonde.agent.cli;

import dev.sonde.agent.access.AccessFiles;
import dev.sonde.agent.config.Config;
import dev.sonde.agent.config.ConfigSource;
import dev.sonde.agent.doctor.Fact;
import dev.sonde.agent.doctor.LibbpfState;
import dev.sonde.agent.doctor.StartException;
import dev.sonde.agent.doctor.StartFailure;
import dev.sonde.agent.doctor.Status;
import dev.sonde.agent.probe.ProbeReport;
import dev.sonde.exporter.model.Workload;
import java.io.PrintStream;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** An agent without a kernel: it fails to start as told. */
final class FakeBackend implements Backend {
  Optional<StartFailure> failure = Optional.empty();
  List<ProbeReport> reports = List.of();

  @Override
  public Map<String, List<String>> ladders() {
    return Map.of("sched", List.of("tp_btf", "raw_tp"), "buffer", List.of("ring", "perf"));
  }

  @Override
  public LibbpfState libbpf(Config config) {
    return new LibbpfState.Usable("v1.1", "libbpf.so.1");
  }

  @Override
  public List<Fact> cgroups(Config config) {
    return List.of(Fact.of("cgroup.mode", "mode", Status.OK, "hybrid"));
  }

  @Override
  public List<ProbeReport> probes(Config config) {
    return reports;
  }

  @Override
  public List<PodRow> pods(Config config) {
    return List.of(
        new PodRow(7, "/kubepods/pod1/" + "a".repeat(64), pod("a".repeat(64)), 2),
        new PodRow(8, "/system.slice/x\u001b.service", Workload.unit("x\u001b.service"), 1));
  }

  private static Workload pod(String container) {
    return new Workload("", "uid-1", container, "");
  }

  @Override
  public ExitCode run(Config config, ConfigSource source, AccessFiles access, PrintStream out)
      throws StartException {
    if (failure.isPresent()) {
      throw new StartException(failure.get());
    }
    out.println("running");
    return ExitCode.OK;
  }
}
