package dev.sonde.agent.config;

import java.util.Locale;

/** The commands that take options of the table. */
public enum Command {
  AGENT("--print-config", "print every option, its value and its origin; exit"),
  DOCTOR("--json", "print JSON"),
  PODS("--json", "print JSON");

  private final String ownSwitch;
  private final String ownSwitchHelp;

  Command(String ownSwitch, String ownSwitchHelp) {
    this.ownSwitch = ownSwitch;
    this.ownSwitchHelp = ownSwitchHelp;
  }

  /** The flag that changes what the command prints: no option, since it configures nothing. */
  public String ownSwitch() {
    return ownSwitch;
  }

  /** Its line in {@code --help}. */
  public String ownSwitchHelp() {
    return ownSwitchHelp;
  }

  /** The command's name on the command line. */
  public String text() {
    return name().toLowerCase(Locale.ROOT);
  }
}
