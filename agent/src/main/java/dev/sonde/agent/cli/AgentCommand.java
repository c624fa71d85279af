package dev.sonde.agent.cli;

import dev.sonde.agent.config.Config;
import dev.sonde.agent.config.ConfigException;
import dev.sonde.agent.config.ConfigPrinter;
import dev.sonde.agent.doctor.HostFiles;
import dev.sonde.agent.doctor.Preflight;
import dev.sonde.agent.doctor.StartException;
import java.io.PrintStream;
import java.util.function.Supplier;

/** {@code sonde agent}: checks what can be checked first, then runs the agent. */
final class AgentCommand {
  private final Config config;
  private final Supplier<Backend> backend;
  private final PrintStream out;

  AgentCommand(Config config, Supplier<Backend> backend, PrintStream out) {
    this.config = config;
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
    Preflight.check(config, HostFiles.real(), () -> agent.libbpf(config));
    return agent.run(config, out);
  }
}
