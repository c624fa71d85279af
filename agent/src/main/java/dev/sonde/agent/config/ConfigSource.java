package dev.sonde.agent.config;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Where a run's options come from, to read them again: flags and environment as they were at the
 * start, the file as it is.
 *
 * @param ours as {@link ConfigLoader#load}
 */
public record ConfigSource(
    Map<String, List<String>> flags, Map<String, String> environment, List<String> ours) {
  public ConfigSource {
    flags = Map.copyOf(flags);
    environment = Map.copyOf(environment);
    ours = List.copyOf(ours);
  }

  /** The options as they are now. */
  public Config load() throws ConfigException {
    return ConfigLoader.load(flags, environment, ours);
  }

  /** The file that {@code config} was read from, or would be if it came to be. */
  public static Optional<Path> file(Config config) {
    Setting<Optional<Path>> named = config.setting(Options.CONFIG);
    if (named.value().isPresent()) {
      return named.value();
    }
    // Its folder is there where a ConfigMap is mounted, maybe without that key yet.
    Path folder = Options.DEFAULT_FILE.getParent();
    return folder != null && Files.isDirectory(folder)
        ? Optional.of(Options.DEFAULT_FILE)
        : Optional.empty();
  }
}
