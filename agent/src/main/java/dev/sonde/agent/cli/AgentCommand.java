package dev.sonde.agent.cli;

import dev.sonde.agent.access.AccessFiles;
import dev.sonde.agent.access.Exposure;
import dev.sonde.agent.config.Config;
import dev.sonde.agent.config.ConfigException;
import dev.sonde.agent.config.ConfigPrinter;
import dev.sonde.agent.config.ConfigSource;
import dev.sonde.agent.doctor.HostFiles;
import dev.sonde.agent.doctor.Preflight;
import dev.sonde.agent.doctor.StartException;
import java.io.PrintStream;
import java.util.function.Supplier;

/** {@code sonde agent}: checks what can be checked first, then runs the agent. */
final class AgentCommand {
  private final Config config;
  private final ConfigSource source;
  private final Supplier<Backend> backend;
  private final PrintStream out;

  AgentCommand(Config config, ConfigSource source, Supplier<Backend> backend, PrintStream out) {
    this.config = config;
    this.source = source;
    this.backend = backend;
    this.out = out;
  }

  ExitCode run(boolean printConfig) throws ConfigException, StartException {
    Backend agent = backend.get();
    config.requireProbes(agent.ladders());
    if (printConfig) {
      out.print(ConfigPrinter.print(config));
      return ExitCode.OK;
    }
    Exposure.check(config);
    AccessFiles access = AccessFiles.open(config);
    Preflight.check(config, HostFiles.real(), () -> agent.libbpf(config));
    return agent.run(config, source, access, out);
  }
}
