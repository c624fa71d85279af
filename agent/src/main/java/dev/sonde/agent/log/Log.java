package dev.sonde.agent.log;

import org.jspecify.annotations.Nullable;

/**
 * A named logger of the agent.
 *
 * {@snippet :
 * private static final Log LOG = Log.named("probe");
 * LOG.info("probe attached", "probe", "tcp", "mechanism", "tp_btf");
 * LOG.warn("probe is down", error, "probe", "tcp");
 * }
 *
 * <p>One line per change of state, never one per event. The pairs are alternating keys and values.
 * Any thread may call.
 */
public final class Log {
  private final String name;

  private Log(String name) {
    this.name = name;
  }

  /** The logger that writes {@code logger=name}. */
  public static Log named(String name) {
    return new Log(name);
  }

  /** Something the agent cannot go on without. */
  public void error(String message, @Nullable Object... pairs) {
    LogSink.write(LogLevel.ERROR, name, message, null, pairs);
  }

  /** {@link #error(String, Object...)} with its cause; its stack appears at level debug. */
  public void error(String message, Throwable error, @Nullable Object... pairs) {
    LogSink.write(LogLevel.ERROR, name, message, error, pairs);
  }

  /** Something is missing or wrong, and the agent goes on without it. */
  public void warn(String message, @Nullable Object... pairs) {
    LogSink.write(LogLevel.WARN, name, message, null, pairs);
  }

  /** {@link #warn(String, Object...)} with its cause; its stack appears at level debug. */
  public void warn(String message, Throwable error, @Nullable Object... pairs) {
    LogSink.write(LogLevel.WARN, name, message, error, pairs);
  }

  /** A change of state that an operator wants to see. */
  public void info(String message, @Nullable Object... pairs) {
    LogSink.write(LogLevel.INFO, name, message, null, pairs);
  }

  /** What only someone who looks for a fault wants to see. */
  public void debug(String message, @Nullable Object... pairs) {
    LogSink.write(LogLevel.DEBUG, name, message, null, pairs);
  }

  /** {@link #debug(String, Object...)} with its cause and stack. */
  public void debug(String message, Throwable error, @Nullable Object... pairs) {
    LogSink.write(LogLevel.DEBUG, name, message, error, pairs);
  }

  /** Whether {@link #debug} writes: ask before computing something only for the log. */
  public boolean isDebug() {
    return LogSink.isEnabled(LogLevel.DEBUG);
  }
}
