package dev.sonde.agent.log;

import java.text.MessageFormat;
import java.util.ResourceBundle;
import org.jspecify.annotations.Nullable;

/** {@link System.Logger} onto {@link LogSink}; what is not Sonde's own is quiet below warn. */
final class SystemLogger implements System.Logger {
  private static final String OWN = "dev.sonde.";

  private final String name;

  SystemLogger(String name) {
    this.name = name;
  }

  @Override
  public String getName() {
    return name;
  }

  @Override
  public boolean isLoggable(Level level) {
    // The JDK tells at debug of every exit, with a stack: of no use to anyone who runs Sonde.
    boolean chatter = level.compareTo(Level.WARNING) < 0 && name.startsWith("java.");
    return level != Level.OFF && !chatter && LogSink.isEnabled(effective(name, level));
  }

  @Override
  public void log(
      Level level,
      @Nullable ResourceBundle bundle,
      @Nullable String message,
      @Nullable Throwable thrown) {
    if (isLoggable(level)) {
      LogSink.write(effective(name, level), name, String.valueOf(message), thrown);
    }
  }

  @Override
  public void log(
      Level level,
      @Nullable ResourceBundle bundle,
      @Nullable String format,
      @Nullable Object... params) {
    if (isLoggable(level)) {
      String text = String.valueOf(format);
      String message =
          params == null || params.length == 0 ? text : MessageFormat.format(text, params);
      LogSink.write(effective(name, level), name, message, null);
    }
  }

  /** A library's info is our debug: it is no change of state of the agent. */
  static LogLevel effective(String name, Level level) {
    return switch (level) {
      case ERROR -> LogLevel.ERROR;
      case WARNING -> LogLevel.WARN;
      case INFO -> name.startsWith(OWN) ? LogLevel.INFO : LogLevel.DEBUG;
      case ALL, TRACE, DEBUG, OFF -> LogLevel.DEBUG;
    };
  }
}
