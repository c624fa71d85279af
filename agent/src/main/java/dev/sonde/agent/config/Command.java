package dev.sonde.agent.config;

import java.util.Locale;

/** The commands that take options of the table. */
public enum Command {
  AGENT,
  DOCTOR,
  PODS;

  /** The command's name on the command line. */
  public String text() {
    return name().toLowerCase(Locale.ROOT);
  }
}
