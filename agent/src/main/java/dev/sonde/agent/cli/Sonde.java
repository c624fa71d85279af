package dev.sonde.agent.cli;

import dev.sonde.agent.config.Command;
import dev.sonde.agent.config.Config;
import dev.sonde.agent.config.ConfigException;
import dev.sonde.agent.config.ConfigSource;
import dev.sonde.agent.config.Options;
import dev.sonde.agent.doctor.StartException;
import dev.sonde.agent.log.JulBridge;
import dev.sonde.agent.log.Log;
import dev.sonde.agent.log.LogLevel;
import dev.sonde.agent.log.LogSink;
import java.io.PrintStream;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Supplier;

/**
 * The main class: {@code sonde agent}, {@code sonde doctor}, {@code sonde pods}.
 *
 * <p>Whatever goes wrong ends here, as one to three lines on stderr and an {@link ExitCode}; a
 * stack trace appears at {@code --log-level debug} only.
 */
public final class Sonde {
  /** Variables with Sonde's prefix that the launcher reads, not the agent. */
  private static final List<String> LAUNCHER_VARIABLES =
      List.of("SONDE_JAVA_OPTS", "SONDE_JVM_DIR", "SONDE_AOT_RECORD", "SONDE_AOT_CREATE");

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
    return PlainArguments.parse(args)
        .map(this::run)
        .orElseGet(() -> PicocliParser.parse(args, out, err, this::fail, this::run));
  }

  private ExitCode run(PlainArguments arguments) {
    Command command = arguments.command();
    String name = "sonde " + command.text();
    try {
      ConfigSource source = new ConfigSource(arguments.values(), environment, LAUNCHER_VARIABLES);
      Config config = source.load();
      LogSink.level(config.get(Options.LOG_LEVEL));
      for (String warning : config.warnings()) {
        LOG.warn(warning);
      }
      config.get(Options.LIBBPF).ifPresent(p -> System.setProperty("sonde.libbpf", p.toString()));
      boolean own = arguments.ownSwitch();
      return switch (command) {
        case AGENT -> new AgentCommand(config, source, backend, out).run(own);
        case DOCTOR -> new DoctorCommand(config, backend, out).run(own);
        case PODS -> new PodsCommand(config, backend, out).run(own);
      };
    } catch (ConfigException e) {
      return fail(name, e.what(), e.remedy(), ExitCode.USAGE);
    } catch (StartException e) {
      trace(e);
      return fail(name, e.failure().what(), e.failure().remedy(), ExitCode.of(e.failure()));
    } catch (CommandException e) {
      trace(e);
      return fail(name, String.valueOf(e.getMessage()), e.remedy(), ExitCode.FAILURE);
    } catch (RuntimeException | LinkageError | AssertionError e) {
      trace(e);
      return fail(
          name,
          "unexpected: " + e,
          "this is a fault of Sonde; run again with --log-level debug for the stack, and report it",
          ExitCode.FAILURE);
    }
  }

  private void trace(Throwable e) {
    if (LogSink.level() == LogLevel.DEBUG) {
      e.printStackTrace(err);
    }
  }

  private ExitCode fail(String command, String what, String remedy, ExitCode code) {
    // A verifier log may follow the first line of a message: whoever wants it asks doctor.
    err.println(command + ": " + what.lines().findFirst().orElse("failed"));
    if (!remedy.isEmpty()) {
      err.println("  " + remedy);
    }
    return code;
  }
}
