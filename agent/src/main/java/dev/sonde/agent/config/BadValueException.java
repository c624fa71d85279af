package dev.sonde.agent.config;

/** A value an option cannot take; the message says what is wrong with it, in one phrase. */
public final class BadValueException extends Exception {
  private static final long serialVersionUID = 1;

  /**
   * @param message for example {@code no port}
   */
  public BadValueException(String message) {
    super(message);
  }
}
