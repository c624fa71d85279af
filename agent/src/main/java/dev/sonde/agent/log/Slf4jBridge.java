package dev.sonde.agent.log;

import org.jspecify.annotations.Nullable;
import org.slf4j.ILoggerFactory;
import org.slf4j.IMarkerFactory;
import org.slf4j.Marker;
import org.slf4j.event.Level;
import org.slf4j.helpers.BasicMarkerFactory;
import org.slf4j.helpers.LegacyAbstractLogger;
import org.slf4j.helpers.MessageFormatter;
import org.slf4j.helpers.NOPMDCAdapter;
import org.slf4j.spi.MDCAdapter;
import org.slf4j.spi.SLF4JServiceProvider;

/**
 * Makes slf4j, which one-nio speaks, end in {@link LogSink}.
 *
 * <p>Straight, and not by way of {@code java.util.logging}: that would load it at every start, and
 * it opens every jar to look for services. Found as a service; the launcher names it ({@code
 * slf4j.provider}), so that it need not be looked for.
 */
public final class Slf4jBridge implements SLF4JServiceProvider {
  /** The API's version as its providers state it. */
  private static final String API = "2.0.99";

  private final IMarkerFactory markers = new BasicMarkerFactory();
  private final MDCAdapter contexts = new NOPMDCAdapter();

  /** For slf4j. */
  public Slf4jBridge() {}

  @Override
  public ILoggerFactory getLoggerFactory() {
    return ToSink::new;
  }

  @Override
  public IMarkerFactory getMarkerFactory() {
    return markers;
  }

  @Override
  public MDCAdapter getMDCAdapter() {
    return contexts;
  }

  @Override
  public String getRequestedApiVersion() {
    return API;
  }

  @Override
  public void initialize() {
    // nothing to prepare
  }

  /** From warn upwards: what clients do wrong is counted, not logged. */
  private static final class ToSink extends LegacyAbstractLogger {
    private static final long serialVersionUID = 1;

    ToSink(String name) {
      this.name = name;
    }

    @Override
    public boolean isTraceEnabled() {
      return false;
    }

    @Override
    public boolean isDebugEnabled() {
      return false;
    }

    @Override
    public boolean isInfoEnabled() {
      return false;
    }

    @Override
    public boolean isWarnEnabled() {
      return LogSink.isEnabled(LogLevel.WARN);
    }

    @Override
    public boolean isErrorEnabled() {
      return LogSink.isEnabled(LogLevel.ERROR);
    }

    @Override
    protected @Nullable String getFullyQualifiedCallerName() {
      return null; // LogSink does not look for the caller
    }

    @Override
    protected void handleNormalizedLoggingCall(
        Level level,
        @Nullable Marker marker,
        @Nullable String pattern,
        @Nullable Object @Nullable [] arguments,
        @Nullable Throwable thrown) {
      LogSink.write(
          level == Level.ERROR ? LogLevel.ERROR : LogLevel.WARN,
          name,
          String.valueOf(MessageFormatter.basicArrayFormat(pattern, arguments)),
          thrown);
    }
  }
}
