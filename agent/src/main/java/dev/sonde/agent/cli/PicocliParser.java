package dev.sonde.agent.cli;

import dev.sonde.agent.config.Command;
import java.io.PrintStream;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;

/**
 * Parses what {@link PlainArguments} leaves: help, version, everything that is wrong.
 *
 * <p>A class of its own so that a plain start never loads picocli.
 */
final class PicocliParser {
  /** Prints an error and returns its exit code. */
  @FunctionalInterface
  interface ErrorPrinter {
    ExitCode fail(String command, String what, String remedy, ExitCode code);
  }

  private PicocliParser() {}

  /**
   * Answers what can be answered from the command line alone, and hands the rest on.
   *
   * @param run what to do with a command's arguments
   */
  static ExitCode parse(
      String[] args,
      PrintStream out,
      PrintStream err,
      ErrorPrinter errors,
      Function<PlainArguments, ExitCode> run) {
    CommandLine line = Cli.commandLine();
    ParseResult parsed;
    try {
      parsed = line.parseArgs(args);
    } catch (ParameterException e) {
      UsageError error = UsageError.of(e);
      String command = e.getCommandLine().getCommandSpec().qualifiedName();
      return errors.fail(command, error.what(), error.remedy(), ExitCode.USAGE);
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
    return run.apply(arguments(sub));
  }

  /** What picocli made of a command's arguments. */
  static PlainArguments arguments(ParseResult parsed) {
    Command command = Command.valueOf(parsed.commandSpec().name().toUpperCase(Locale.ROOT));
    Map<String, List<String>> values = new HashMap<>();
    for (OptionSpec option : parsed.matchedOptionsSet()) {
      if (!option.longestName().equals(command.ownSwitch())) {
        values.put(option.longestName().substring(2), List.copyOf(option.stringValues()));
      }
    }
    return new PlainArguments(command, values, parsed.hasMatchedOption(command.ownSwitch()));
  }
}
