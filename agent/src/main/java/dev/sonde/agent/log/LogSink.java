package dev.sonde.agent.log;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Where every line ends: stderr, one write a line, so that lines of several threads do not mix.
 *
 * <p>Any thread may write. The level may change at any time.
 */
public final class LogSink {
  private static volatile LogLevel level = LogLevel.INFO;
  // Not System.err: a test or a library that swaps it must not swallow the log.
  private static volatile PrintStream out =
      new PrintStream(new FileOutputStream(FileDescriptor.err), true, StandardCharsets.UTF_8);

  private LogSink() {}

  /** Sets how much is said; what is less important is dropped before it is formatted. */
  public static void level(LogLevel newLevel) {
    level = newLevel;
  }

  /** How much is said now. */
  public static LogLevel level() {
    return level;
  }

  /** Sends the lines elsewhere and returns where they went before: for tests. */
  static PrintStream redirect(PrintStream to) {
    PrintStream before = out;
    out = to;
    return before;
  }

  static boolean isEnabled(LogLevel asked) {
    return asked.compareTo(level) <= 0;
  }

  static void write(
      LogLevel at,
      String logger,
      String message,
      @Nullable Throwable error,
      @Nullable Object... pairs) {
    if (!isEnabled(at)) {
      return;
    }
    @Nullable Object[] all = error == null ? pairs : withError(error, pairs);
    byte[] line =
        (Logfmt.line(Instant.now(), at, logger, message, all) + "\n")
            .getBytes(StandardCharsets.UTF_8);
    PrintStream to = out;
    to.write(line, 0, line.length);
    to.flush();
  }

  private static @Nullable Object[] withError(Throwable error, @Nullable Object[] pairs) {
    // The stack belongs to whoever asked for it; everyone else gets what failed in one line.
    boolean stack = level == LogLevel.DEBUG;
    @Nullable Object[] all = Arrays.copyOf(pairs, pairs.length + (stack ? 4 : 2));
    all[pairs.length] = "error";
    all[pairs.length + 1] = error;
    if (stack) {
      StringWriter text = new StringWriter();
      error.printStackTrace(new PrintWriter(text));
      all[pairs.length + 2] = "stack";
      all[pairs.length + 3] = text.toString().strip();
    }
    return all;
  }
}
