package dev.sonde.agent.config;

/**
 * The whole configuration as YAML, each value with its origin as a comment.
 *
 * <p>The output is a valid configuration file that means the same: {@code sonde agent
 * --print-config > sonde.yaml}. What cannot stand in a file is a comment.
 */
public final class ConfigPrinter {
  private ConfigPrinter() {}

  /** The text, one option a line. */
  public static String print(Config config) {
    StringBuilder out = new StringBuilder();
    for (Setting<?> setting : config.settings().values()) {
      Option<?> option = setting.option();
      String line =
          (option.places().contains(Place.FILE) ? "" : "# ")
              + option.name()
              + ": "
              + scalar(setting.text());
      out.append(String.format("%-44s # %s%n", line, setting.origin().text()));
    }
    return out.toString();
  }

  /** Always quoted where YAML could read something else into it. */
  private static String scalar(String text) {
    boolean plain =
        text.matches("[A-Za-z0-9/][A-Za-z0-9_./=,-]*(:[0-9]+)?") && !text.equals("null");
    return plain ? text : "\"" + text.replace("\\", "\\\\").replace("\"", "\\\"") + "\"";
  }
}
