package dev.sonde.agent.log;

import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogManager;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.logging.SimpleFormatter;
import org.jspecify.annotations.Nullable;

/**
 * Takes over {@code java.util.logging}, which the exporter and gRPC use.
 *
 * <p>The JDK makes an instance when the first JUL logger is asked for, since {@link #install} named
 * this class in {@code java.util.logging.config.class}: an agent in which nobody uses JUL never
 * loads it.
 */
public final class JulBridge {
  private static final String PROPERTY = "java.util.logging.config.class";

  /** Called by the JDK's {@link LogManager}; has its effect on the root logger. */
  public JulBridge() {
    Logger root = LogManager.getLogManager().getLogger("");
    if (root == null) {
      return;
    }
    for (Handler handler : root.getHandlers()) {
      root.removeHandler(handler);
    }
    root.addHandler(new ToSink());
    // FINE and below of a library is never formatted: okhttp logs every frame there.
    root.setLevel(LogSink.level() == LogLevel.DEBUG ? Level.INFO : Level.WARNING);
  }

  /** Has the JDK use this class, unless the operator named another one. */
  public static void install() {
    if (System.getProperty(PROPERTY) == null) {
      System.setProperty(PROPERTY, JulBridge.class.getName());
    }
  }

  private static final class ToSink extends Handler {
    private final SimpleFormatter formatter = new SimpleFormatter();

    @Override
    public void publish(@Nullable LogRecord line) {
      if (line == null) {
        return;
      }
      LogLevel level = level(line.getLevel());
      if (LogSink.isEnabled(level)) {
        LogSink.write(
            level,
            String.valueOf(line.getLoggerName()),
            String.valueOf(formatter.formatMessage(line)),
            line.getThrown());
      }
    }

    private static LogLevel level(Level level) {
      if (level.intValue() >= Level.SEVERE.intValue()) {
        return LogLevel.ERROR;
      }
      return level.intValue() >= Level.WARNING.intValue() ? LogLevel.WARN : LogLevel.DEBUG;
    }

    @Override
    public void flush() {}

    @Override
    public void close() {}
  }
}
