package dev.sonde.agent.cli;

import dev.sonde.agent.config.Command;
import dev.sonde.agent.config.Option;
import dev.sonde.agent.config.Options;
import dev.sonde.agent.config.Suggestion;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine;
import picocli.CommandLine.MissingParameterException;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/**
 * What picocli could not parse, in Sonde's words.
 *
 * @param what what is wrong and where
 * @param remedy what to do about it
 */
record UsageError(String what, String remedy) {
  static UsageError of(ParameterException e) {
    CommandLine line = e.getCommandLine();
    return switch (e) {
      case UnmatchedArgumentException unmatched when !unmatched.getUnmatched().isEmpty() ->
          unmatched(line, unmatched.getUnmatched().getFirst());
      case MissingParameterException missing when isOption(missing) -> missing(missing);
      default ->
          new UsageError(firstLine(e), "see " + line.getCommandSpec().qualifiedName() + " --help");
    };
  }

  private static boolean isOption(MissingParameterException e) {
    return !e.getMissing().isEmpty() && e.getMissing().getFirst() instanceof OptionSpec;
  }

  private static UsageError missing(MissingParameterException e) {
    OptionSpec spec = (OptionSpec) e.getMissing().getFirst();
    String flag = spec.longestName();
    String example = row(flag).map(o -> ", for example: " + flag + " " + o.example()).orElse("");
    return new UsageError(flag + ": no value", "expected " + spec.paramLabel() + example);
  }

  private static UsageError unmatched(CommandLine line, String argument) {
    String name = line.getCommandSpec().qualifiedName();
    String help = "see " + name + " --help";
    if (!argument.startsWith("-")) {
      List<String> commands = List.copyOf(line.getSubcommands().keySet());
      return commands.isEmpty()
          ? new UsageError("'" + argument + "': " + name + " takes options only", help)
          : new UsageError(
              "unknown command '" + argument + "'",
              Suggestion.didYouMean(
                  argument, commands, "commands are: " + String.join(", ", commands)));
    }
    int equals = argument.indexOf('=');
    String flag = equals < 0 ? argument : argument.substring(0, equals);
    Optional<Option<?>> elsewhere = row(flag);
    if (elsewhere.isPresent()) {
      return new UsageError(
          "'" + flag + "' is no option of " + name,
          "it is one of sonde "
              + String.join(
                  ", sonde ",
                  elsewhere.get().commands().stream().map(Command::text).sorted().toList()));
    }
    List<String> known =
        line.getCommandSpec().options().stream().map(OptionSpec::longestName).toList();
    return new UsageError(
        "unknown option '" + flag + "'", Suggestion.didYouMean(flag, known, help));
  }

  private static Optional<Option<?>> row(String flag) {
    for (Option<?> option : Options.ALL) {
      if (option.flag().equals(flag)) {
        return Optional.of(option);
      }
    }
    return Optional.empty();
  }

  private static String firstLine(Exception e) {
    return String.valueOf(e.getMessage()).lines().findFirst().orElse("");
  }
}
