package dev.sonde.agent.cli;

import dev.sonde.agent.config.Command;
import dev.sonde.agent.config.Option;
import dev.sonde.agent.config.Options;
import dev.sonde.agent.config.Place;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/** Makes picocli's model from {@link Options} and {@link Usage}. */
final class Cli {
  static final String HELP = "--help";
  static final String VERSION = "--version";

  private static final int WIDTH = 100;

  private Cli() {}

  static CommandLine commandLine() {
    CommandSpec top = CommandSpec.create().name("sonde");
    top.addOption(help());
    top.addOption(
        OptionSpec.builder("-V", VERSION)
            .versionHelp(true)
            .description("print the version and exit")
            .build());
    describe(top, Usage.TOP);
    for (Command command : Command.values()) {
      top.addSubcommand(command.text(), spec(command));
    }
    CommandLine line =
        new CommandLine(top)
            .setExpandAtFiles(false)
            .setInterpolateVariables(false)
            .setOverwrittenOptionsAllowed(true)
            .setUsageHelpWidth(WIDTH)
            .setUsageHelpLongOptionsMaxWidth(30);
    line.setColorScheme(CommandLine.Help.defaultColorScheme(Ansi.OFF));
    return line;
  }

  private static CommandSpec spec(Command command) {
    CommandSpec spec = CommandSpec.create().name(command.text());
    for (Option<?> option : Options.of(command)) {
      spec.addOption(spec(option));
    }
    spec.addOption(
        OptionSpec.builder(command.ownSwitch())
            .type(boolean.class)
            .description(command.ownSwitchHelp())
            .build());
    spec.addOption(help());
    describe(spec, Usage.of(command));
    return spec;
  }

  private static OptionSpec spec(Option<?> option) {
    OptionSpec.Builder spec =
        OptionSpec.builder(option.flag())
            .paramLabel(option.label())
            .description(description(option));
    switch (option.shape()) {
      case VALUE -> spec.type(String.class).arity("1");
      case LIST -> spec.type(List.class).auxiliaryTypes(String.class).arity("1");
      case SWITCH -> spec.type(String.class).arity("0..1").fallbackValue("true");
    }
    return spec.build();
  }

  private static String[] description(Option<?> option) {
    List<String> lines = new ArrayList<>();
    String fallback = option.fallback().get();
    // The host's name is no default to print: the help would differ from host to host.
    boolean isFixed = !fallback.isEmpty() && !option.equals(Options.NODE_NAME);
    lines.add(escape(option.help() + (isFixed ? "; default " + fallback : "")));
    if (!isFixed || option.shape() == Option.Shape.LIST) {
      lines.add(escape("e.g. " + option.flag() + " " + option.example()));
    }
    if (!option.places().contains(Place.ENVIRONMENT)) {
      lines.add("flag only");
    }
    return lines.toArray(String[]::new);
  }

  private static OptionSpec help() {
    return OptionSpec.builder("-h", HELP)
        .usageHelp(true)
        .description("print this help and exit")
        .build();
  }

  private static void describe(CommandSpec spec, Usage usage) {
    spec.usageMessage()
        .description(escape(usage.description()))
        .sortOptions(false)
        .sortSynopsis(false)
        .abbreviateSynopsis(true)
        .optionListHeading("%nOptions:%n")
        .commandListHeading("%nCommands:%n")
        .header(escape(usage.header()))
        .exitCodeListHeading("%nExit codes:%n")
        .exitCodeList(ExitCode.meanings())
        .footer(usage.footer().lines().map(Cli::escape).toArray(String[]::new));
  }

  /** picocli formats these texts: a percent sign must be doubled. */
  private static String escape(String text) {
    return text.replace("%", "%%");
  }
}
