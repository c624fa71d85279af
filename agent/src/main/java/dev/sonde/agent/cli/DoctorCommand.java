package dev.sonde.agent.cli;

import dev.sonde.agent.config.Config;
import dev.sonde.agent.config.ConfigException;
import dev.sonde.agent.doctor.Doctor;
import dev.sonde.agent.doctor.Findings;
import dev.sonde.agent.doctor.HostFiles;
import dev.sonde.agent.doctor.JsonReport;
import dev.sonde.agent.doctor.TextReport;
import java.io.PrintStream;
import java.util.function.Supplier;

/** {@code sonde doctor}: what works on this host, and why the rest does not. */
final class DoctorCommand {
  private final Config config;
  private final Supplier<Backend> backend;
  private final PrintStream out;

  DoctorCommand(Config config, Supplier<Backend> backend, PrintStream out) {
    this.config = config;
    this.backend = backend;
    this.out = out;
  }

  ExitCode run(boolean json) throws ConfigException {
    Backend agent = backend.get();
    config.requireProbes(agent.ladders());
    Findings findings =
        new Doctor(
                config,
                HostFiles.real(),
                () -> agent.libbpf(config),
                () -> agent.cgroups(config),
                () -> agent.probes(config))
            .examine(Version.current());
    out.print(json ? JsonReport.render(findings) : TextReport.render(findings, out.charset()));
    return switch (findings.verdict()) {
      case OK -> ExitCode.OK;
      case DEGRADED -> ExitCode.FAILURE;
      case FAILED -> ExitCode.ENVIRONMENT;
    };
  }
}
