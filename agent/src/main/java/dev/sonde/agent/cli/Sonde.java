package dev.sonde.agent.cli;

import dev.sonde.agent.config.Command;
import dev.sonde.agent.config.Config;
import dev.sonde.agent.config.ConfigException;
import dev.sonde.agent.config.ConfigLoader;
import dev.sonde.agent.config.Options;
import dev.sonde.agent.doctor.StartException;
import dev.sonde.agent.log.JulBridge;
import dev.sonde.agent.log.Log;
import dev.sonde.agent.log.LogLevel;
import dev.sonde.agent.log.LogSink;
import java.io.PrintStream;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Supplier;
import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;

/**
 * The main class: {@code sonde agent}, {@code sonde doctor}, {@code sonde pods}.
 *
 * <p>Whatever goes wrong ends here, as one to three lines on stderr and an {@link ExitCode}; a
 * stack trace appears at {@code --log-level debug} only.
 */
public final class Sonde {
  /** Variables with Sonde's prefix that the launcher reads, not the agent. */
  private static final List<String> LAUNCHER_VARIABLES = List.of("SONDE_JAVA_OPTS", "SONDE_HOME");

  private static final Log LOG = Log.named("config");

  private final Map<String, String> environment;
  private final PrintStream out;
  private final PrintStream err;
  private final Supplier<Backend> backend;

  Sonde(
      Map<String, String> environment,
      PrintStream out,
      PrintStream err,
      Supplier<Backend> backend) {
    this.environment = environment;
    this.out = out;
    this.err = err;
    this.backend = backend;
  }

  /** Runs one command and ends the process with its exit code. */
  public static void main(String[] args) {
    JulBridge.install();
    // Numbers and lower-casing in output must not depend on the operator's language.
    Locale.setDefault(Locale.ROOT);
    ExitCode code = new Sonde(System.getenv(), System.out, System.err, LiveBackend::new).run(args);
    System.out.flush();
    System.exit(code.code());
  }

  ExitCode run(String... args) {
    CommandLine line = Cli.commandLine();
    ParseResult parsed;
    try {
      parsed = line.parseArgs(args);
    } catch (ParameterException e) {
      UsageError error = UsageError.of(e);
      return fail(
          e.getCommandLine().getCommandSpec().qualifiedName(),
          error.what(),
          error.remedy(),
          ExitCode.USAGE);
    }
    if (parsed.isVersionHelpRequested()) {
      out.println("sonde " + Version.current());
      return ExitCode.OK;
    }
    if (parsed.isUsageHelpRequested()) {
      line.usage(out);
      return ExitCode.OK;
    }
    if (!parsed.hasSubcommand()) {
      line.usage(err);
      return ExitCode.USAGE;
    }
    ParseResult sub = parsed.subcommand();
    if (sub.isUsageHelpRequested()) {
      sub.commandSpec().commandLine().usage(out);
      return ExitCode.OK;
    }
    return run(Command.valueOf(sub.commandSpec().name().toUpperCase(Locale.ROOT)), sub);
  }

  private ExitCode run(Command command, ParseResult parsed) {
    String name = "sonde " + command.text();
    try {
      Config config = ConfigLoader.load(flags(parsed), environment, LAUNCHER_VARIABLES);
      LogSink.level(config.get(Options.LOG_LEVEL));
      for (String warning : config.warnings()) {
        LOG.warn(warning);
      }
      config.get(Options.LIBBPF).ifPresent(p -> System.setProperty("sonde.libbpf", p.toString()));
      return switch (command) {
        case AGENT ->
            new AgentCommand(config, backend, out).run(parsed.hasMatchedOption(Cli.PRINT_CONFIG));
        case DOCTOR ->
            new DoctorCommand(config, backend, out).run(parsed.hasMatchedOption(Cli.JSON));
        case PODS -> new PodsCommand(config, backend, out).run(parsed.hasMatchedOption(Cli.JSON));
      };
    } catch (ConfigException e) {
      return fail(name, e.what(), e.remedy(), ExitCode.USAGE);
    } catch (StartException e) {
      trace(e);
      return fail(name, e.failure().what(), e.failure().remedy(), ExitCode.of(e.failure()));
    } catch (CommandException e) {
      trace(e);
      return fail(name, String.valueOf(e.getMessage()), e.remedy(), ExitCode.FAILURE);
    } catch (RuntimeException | LinkageError e) {
      trace(e);
      return fail(
          name,
          "unexpected: " + e,
          "this is a fault of Sonde; run again with --log-level debug for the stack, and report it",
          ExitCode.FAILURE);
    }
  }

  /** The flags given, by option name; picocli has checked that they exist. */
  private static Map<String, List<String>> flags(ParseResult parsed) {
    Map<String, List<String>> flags = new HashMap<>();
    for (OptionSpec option : parsed.matchedOptionsSet()) {
      String name = option.longestName().substring(2);
      flags.put(name, option.originalStringValues());
    }
    return flags;
  }

  private void trace(Throwable e) {
    if (LogSink.level() == LogLevel.DEBUG) {
      e.printStackTrace(err);
    }
  }

  private ExitCode fail(String command, String what, String remedy, ExitCode code) {
    err.println(command + ": " + what);
    if (!remedy.isEmpty()) {
      err.println("  " + remedy);
    }
    return code;
  }
}
