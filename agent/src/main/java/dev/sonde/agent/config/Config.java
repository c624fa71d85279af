package dev.sonde.agent.config;

import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/**
 * The value of every option, for one run of one command.
 *
 * {@snippet :
 * Duration interval = config.get(Options.SNAPSHOT_INTERVAL);
 * }
 *
 * <p>Immutable; any thread may read.
 *
 * @param settings one for every row of {@link Options#ALL}, by name
 * @param warnings what was odd, but no error: for the log, once
 */
public record Config(Map<String, Setting<?>> settings, List<String> warnings) {
  public Config {
    settings = Collections.unmodifiableMap(new LinkedHashMap<>(settings));
    warnings = List.copyOf(warnings);
  }

  /** Every option at its default: for tests and tools. */
  public static Config defaults() {
    try {
      return ConfigLoader.load(Map.of(), Map.of(), List.of());
    } catch (ConfigException e) {
      throw new AssertionError("a default is not valid", e);
    }
  }

  /** This, with another value for one option. */
  public <T> Config with(Option<T> option, T value) {
    Map<String, Setting<?>> changed = new LinkedHashMap<>(settings);
    changed.put(
        option.name(),
        new Setting<>(option, value, String.valueOf(value), new Origin.Flag(option.flag())));
    return new Config(changed, warnings);
  }

  /** The value of {@code option}. */
  public <T> T get(Option<T> option) {
    return setting(option).value();
  }

  /** The value of {@code option} and where it came from. */
  @SuppressWarnings(
      "unchecked") // ConfigLoader and with() store Setting<T> under the name of T's row
  public <T> Setting<T> setting(Option<T> option) {
    Setting<?> setting = settings.get(option.name());
    if (setting == null) {
      throw new IllegalArgumentException(option.name() + " is not in Options.ALL");
    }
    return (Setting<T>) setting;
  }

  /**
   * Checks the probes named by {@link Options#PROBES} and {@link Options#MECHANISM} against those
   * there are.
   *
   * @param ladders probe to its mechanisms; {@link MechanismChoice#BUFFER} included
   */
  public void requireProbes(Map<String, List<String>> ladders) throws ConfigException {
    ProbeSelection probes = get(Options.PROBES);
    TreeSet<String> selectable = new TreeSet<>(ladders.keySet());
    selectable.remove(MechanismChoice.BUFFER);
    for (String name : new TreeSet<>(probes.named())) {
      requireKnown(Options.PROBES, "probe", name, selectable);
    }
    for (String name : new TreeSet<>(probes.without())) {
      requireKnown(Options.PROBES, "probe", name, selectable);
    }
    for (Map.Entry<String, String> choice : get(Options.MECHANISM).byProbe().entrySet()) {
      requireKnown(Options.MECHANISM, "probe", choice.getKey(), new TreeSet<>(ladders.keySet()));
      requireKnown(
          Options.MECHANISM,
          "mechanism of " + choice.getKey(),
          choice.getValue(),
          ladders.getOrDefault(choice.getKey(), List.of()));
    }
  }

  private void requireKnown(Option<?> option, String what, String name, Collection<String> known)
      throws ConfigException {
    if (!known.contains(name)) {
      String all = String.join(", ", known);
      throw new ConfigException(
          ConfigLoader.where(setting(option)),
          "unknown " + what + " '" + name + "'",
          Suggestion.nearest(name, known)
              .map(n -> "did you mean '" + n + "'? there are: " + all)
              .orElse("there are: " + all));
    }
  }
}
