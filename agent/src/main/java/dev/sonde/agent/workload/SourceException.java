package dev.sonde.agent.workload;

/** A source of names did not answer, or not with sense. */
public final class SourceException extends Exception {
  private static final long serialVersionUID = 1;

  private final String remedy;

  /**
   * @param reason what failed
   * @param remedy what to do about it; empty where nothing can be done
   */
  public SourceException(String reason, String remedy) {
    super(reason);
    this.remedy = remedy;
  }

  public SourceException(String reason, String remedy, Throwable cause) {
    super(reason, cause);
    this.remedy = remedy;
  }

  public String reason() {
    return String.valueOf(getMessage());
  }

  public String remedy() {
    return remedy;
  }
}
