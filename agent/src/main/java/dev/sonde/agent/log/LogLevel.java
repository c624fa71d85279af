package dev.sonde.agent.log;

import java.util.Locale;

/** How much the agent says, from the least to the most. */
public enum LogLevel {
  ERROR,
  WARN,
  INFO,
  DEBUG;

  /** The level's name as it stands in options and in log lines. */
  public String text() {
    return name().toLowerCase(Locale.ROOT);
  }
}
