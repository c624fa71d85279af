package dev.sonde.exporter.access;

import java.util.ArrayList;
import java.util.List;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.logging.SimpleFormatter;

/** What {@link Denials} logs while this is open. */
public final class LoggedLines extends Handler implements AutoCloseable {
  private static final Logger LOGGER = Logger.getLogger(Denials.class.getName());
  private final List<String> lines = new ArrayList<>();

  public LoggedLines() {
    LOGGER.addHandler(this);
  }

  @Override
  public synchronized void publish(LogRecord record) {
    lines.add(new SimpleFormatter().formatMessage(record));
  }

  public synchronized List<String> lines() {
    return List.copyOf(lines);
  }

  @Override
  public void flush() {}

  @Override
  public void close() {
    LOGGER.removeHandler(this);
  }
}
