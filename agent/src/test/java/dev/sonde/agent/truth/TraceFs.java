package dev.sonde.agent.truth;

import java.nio.file.Files;
import java.nio.file.Path;

/**
 * tracefs at {@code /sys/kernel/tracing}, which classic tracepoints need: mounted if it was not,
 * and then unmounted at the end.
 */
final class TraceFs implements AutoCloseable {
  private static final Path AT = Path.of("/sys/kernel/tracing");

  private final boolean ours;

  private TraceFs(boolean ours) {
    this.ours = ours;
  }

  static TraceFs mounted() {
    if (Files.exists(AT.resolve("events"))) {
      return new TraceFs(false);
    }
    Command.run("mount", "-t", "tracefs", "tracefs", AT.toString());
    return new TraceFs(true);
  }

  @Override
  public void close() {
    if (ours) {
      Command.run("umount", "--lazy", AT.toString());
    }
  }
}
