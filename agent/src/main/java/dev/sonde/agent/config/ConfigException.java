package dev.sonde.agent.config;

/**
 * The agent cannot start with these options: two lines for an operator, where and what, then what
 * to do.
 */
public final class ConfigException extends Exception {
  private static final long serialVersionUID = 1;

  private final String what;
  private final String remedy;

  /**
   * @param where the place to edit: {@code --listen 127.0.0.1}, {@code /etc/sonde/sonde.yaml:3:9}
   * @param what what is wrong there
   * @param remedy what to do about it
   */
  public ConfigException(String where, String what, String remedy) {
    super(where + ": " + what);
    this.what = where + ": " + what;
    this.remedy = remedy;
  }

  /** Where and what, in one line. */
  public String what() {
    return what;
  }

  /** What to do about it; empty where {@link #what} leaves no question. */
  public String remedy() {
    return remedy;
  }
}
