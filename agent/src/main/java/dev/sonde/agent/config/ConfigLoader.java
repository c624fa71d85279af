package dev.sonde.agent.config;

import dev.sonde.agent.config.ConfigFile.Entry;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Merges flags, environment, file and defaults into a {@link Config}. */
public final class ConfigLoader {
  // Kubernetes sets these for a Service called sonde or sonde-*; they are no typing errors of ours.
  private static final Pattern SERVICE_LINK =
      Pattern.compile("SONDE_(.+_)?(SERVICE_(HOST|PORT)(_.+)?|PORT(_\\d+_(TCP|UDP|SCTP)(_.+)?)?)");

  private ConfigLoader() {}

  /**
   * The configuration of one run.
   *
   * @param flags option name to its values, in the order given
   * @param environment all variables
   * @param ours variables that start with {@code SONDE_} and belong to somebody else (the launcher)
   */
  public static Config load(
      Map<String, List<String>> flags, Map<String, String> environment, List<String> ours)
      throws ConfigException {
    Map<String, Setting<?>> settings = new LinkedHashMap<>();
    Setting<Optional<Path>> file = setting(Options.CONFIG, flags, environment, Map.of());
    Map<String, Entry> entries = entries(file);
    for (Option<?> option : Options.ALL) {
      settings.put(option.name(), setting(option, flags, environment, entries));
    }
    return new Config(settings, unknown(environment, ours));
  }

  private static Map<String, Entry> entries(Setting<Optional<Path>> file) throws ConfigException {
    if (file.value().isPresent()) {
      return ConfigFile.read(file.value().get());
    }
    return file.origin() instanceof Origin.Default && Files.exists(Options.DEFAULT_FILE)
        ? ConfigFile.read(Options.DEFAULT_FILE)
        : Map.of();
  }

  private static <T> Setting<T> setting(
      Option<T> option,
      Map<String, List<String>> flags,
      Map<String, String> environment,
      Map<String, Entry> entries)
      throws ConfigException {
    List<String> given = flags.getOrDefault(option.name(), List.of());
    if (!given.isEmpty()) {
      String text = option.shape() == Option.Shape.LIST ? String.join(",", given) : given.getLast();
      return parse(option, text, new Origin.Flag(option.flag()));
    }
    if (option.places().contains(Place.ENVIRONMENT)) {
      List<String> variables = new ArrayList<>(List.of(option.variable()));
      variables.addAll(option.otherVariables());
      for (String variable : variables) {
        String text = environment.get(variable);
        // An empty variable is how compose files and shells say "not set".
        if (text != null && !text.isBlank()) {
          return parse(option, text.strip(), new Origin.Environment(variable));
        }
      }
    }
    Entry entry = entries.get(option.name());
    if (entry != null) {
      return parse(option, entry.text(), entry.origin());
    }
    return parse(option, option.fallback().get(), new Origin.Default());
  }

  private static <T> Setting<T> parse(Option<T> option, String text, Origin origin)
      throws ConfigException {
    try {
      return new Setting<>(option, option.parser().parse(text), text, origin);
    } catch (BadValueException e) {
      throw new ConfigException(
          where(option, text, origin),
          String.valueOf(e.getMessage()),
          "expected " + option.label() + ", for example: " + example(option, origin));
    }
  }

  /** The place where a value stands, with the value: what an operator looks for to edit. */
  static String where(Setting<?> setting) {
    return where(setting.option(), setting.text(), setting.origin());
  }

  private static String where(Option<?> option, String text, Origin origin) {
    return switch (origin) {
      case Origin.Flag flag -> flag.flag() + " " + shown(text);
      case Origin.Environment env -> env.variable() + "=" + shown(text);
      case Origin.File file ->
          file.file()
              + ":"
              + file.line()
              + ":"
              + file.column()
              + ": "
              + option.name()
              + ": "
              + shown(text);
      case Origin.Default _ -> "default of " + option.name() + " " + shown(text);
    };
  }

  private static String example(Option<?> option, Origin origin) {
    return switch (origin) {
      case Origin.Environment env -> env.variable() + "=" + option.example();
      case Origin.File _ -> option.name() + ": " + option.example();
      case Origin.Flag _, Origin.Default _ -> option.flag() + " " + option.example();
    };
  }

  /** A value in an error text: one line of bounded length. */
  private static String shown(String text) {
    String line = text.isEmpty() ? "''" : text.replaceAll("\\p{Cntrl}", "?");
    return line.length() <= 80 ? line : line.substring(0, 77) + "...";
  }

  private static List<String> unknown(Map<String, String> environment, List<String> ours) {
    List<String> known = new ArrayList<>();
    for (Option<?> option : Options.ALL) {
      if (option.places().contains(Place.ENVIRONMENT)) {
        known.add(option.variable());
      }
    }
    List<String> warnings = new ArrayList<>();
    for (String variable : new TreeMap<String, @Nullable String>(environment).keySet()) {
      if (variable.startsWith(Option.VARIABLE_PREFIX)
          && !known.contains(variable)
          && !ours.contains(variable)
          && !SERVICE_LINK.matcher(variable).matches()) {
        warnings.add(
            "unknown variable "
                + variable
                + " is ignored; "
                + Suggestion.didYouMean(variable, known, "sonde agent --help lists the options"));
      }
    }
    return warnings;
  }
}
