package dev.sonde.agent.truth;

import java.nio.file.Files;
import java.nio.file.Path;

/** tracefs, which plain tracepoints are attached through: mounted for a test where it is not. */
final class Tracefs implements AutoCloseable {
  private static final String POINT = "/sys/kernel/tracing";

  private final boolean ours;

  private Tracefs(boolean ours) {
    this.ours = ours;
  }

  static Tracefs mounted() {
    if (Files.isDirectory(Path.of(POINT, "events"))) {
      return new Tracefs(false);
    }
    Command.run("mount", "-t", "tracefs", "tracefs", POINT);
    return new Tracefs(true);
  }

  @Override
  public void close() {
    if (ours) {
      // lazily: another test may have opened an event by now
      Command.run("umount", "-l", POINT);
    }
  }
}
