package dev.sonde.agent.truth;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.UUID;
import java.util.function.Consumer;

/**
 * An ftrace instance of its own, with a buffer of 16 MB for each CPU; tracefs must be mounted.
 *
 * {@snippet :
 * try (TraceFs tracefs = TraceFs.mounted(); TraceInstance trace = TraceInstance.create()) {
 *   trace.write("set_event", "sched:sched_switch\n");
 *   trace.forEachLine(System.out::println);
 * }
 * }
 */
final class TraceInstance implements AutoCloseable {
  private final Path directory;

  private TraceInstance(Path directory) {
    this.directory = directory;
  }

  static TraceInstance create() {
    Path directory = Path.of("/sys/kernel/tracing/instances", "sonde-" + UUID.randomUUID());
    try {
      Files.createDirectory(directory);
    } catch (IOException e) {
      throw new AssertionError("make an ftrace instance", e);
    }
    TraceInstance instance = new TraceInstance(directory);
    instance.write("buffer_size_kb", "16384");
    return instance;
  }

  void write(String file, String text) {
    try {
      Files.writeString(directory.resolve(file), text);
    } catch (IOException e) {
      throw new AssertionError("write " + text + " to " + directory.resolve(file), e);
    }
  }

  /** What was recorded so far: all of it, or the test fails. */
  void forEachLine(Consumer<String> consumer) {
    try (var lines = Files.lines(directory.resolve("trace"))) {
      lines.forEach(
          line -> {
            if (line.contains("[LOST ")) {
              throw new AssertionError("the trace's buffer was too small: " + line);
            }
            consumer.accept(line);
          });
    } catch (IOException | UncheckedIOException e) {
      throw new AssertionError("read the trace", e);
    }
  }

  @Override
  public void close() {
    write("set_event", "");
    try {
      Files.delete(directory);
    } catch (IOException e) {
      throw new AssertionError("remove " + directory, e);
    }
  }
}
