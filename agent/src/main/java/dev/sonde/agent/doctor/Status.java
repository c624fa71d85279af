package dev.sonde.agent.doctor;

import java.util.Locale;

/** How a {@link Fact} bears on Sonde. */
public enum Status {
  /** As it should be. */
  OK,
  /** Neither good nor bad. */
  INFO,
  /** Sonde runs, with less than it could have. */
  WARN,
  /** Sonde cannot run. */
  FAIL,
  /** Could not be found out. */
  UNKNOWN;

  /** As JSON has it. */
  public String text() {
    return name().toLowerCase(Locale.ROOT);
  }
}
