package dev.sonde.agent.log;

/**
 * Makes {@link System#getLogger} end in {@link LogSink}: found by the JDK as a service, so that
 * neither {@code java.util.logging} nor its configuration is loaded for it.
 */
public final class LogfmtLoggerFinder extends System.LoggerFinder {
  /** For {@link java.util.ServiceLoader}. */
  public LogfmtLoggerFinder() {}

  @Override
  public System.Logger getLogger(String name, Module module) {
    return new SystemLogger(name);
  }
}
