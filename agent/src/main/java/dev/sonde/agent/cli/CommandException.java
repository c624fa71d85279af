package dev.sonde.agent.cli;

/** A command failed at run time: what, and what to do about it. */
final class CommandException extends Exception {
  private static final long serialVersionUID = 1;

  private final String remedy;

  CommandException(String what, String remedy, Throwable cause) {
    super(what, cause);
    this.remedy = remedy;
  }

  String remedy() {
    return remedy;
  }
}
