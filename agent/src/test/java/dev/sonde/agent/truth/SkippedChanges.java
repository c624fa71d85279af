package dev.sonde.agent.truth;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * ftrace's record of the changes of TCP state that happen while a thread of the init process has
 * the CPU: on some guests the kernel runs no BPF program then (docs/truth.md). A witness of its own
 * of what cannot be counted; elsewhere those are seen, and it only says how many there were.
 *
 * {@snippet :
 * try (TraceFs tracefs = TraceFs.mounted(); SkippedChanges skipped = SkippedChanges.record()) {
 *   load();
 *   skipped.byState().getOrDefault("fin_wait_2", 0L); // changes into and out of it
 * }
 * }
 */
final class SkippedChanges implements AutoCloseable {
  private static final Pattern CHANGE = Pattern.compile("oldstate=TCP_(\\w+) newstate=TCP_(\\w+)");

  /** As the kernel's tracepoint spells them; the others are the same in small letters. */
  private static final Map<String, String> SPELLED =
      Map.of(
          "FIN_WAIT1", "fin_wait_1",
          "FIN_WAIT2", "fin_wait_2",
          "LISTEN", "listening");

  private final Path instance;

  private SkippedChanges(Path instance) {
    this.instance = instance;
  }

  static SkippedChanges record() {
    Path instance = Path.of("/sys/kernel/tracing/instances", "sonde-" + UUID.randomUUID());
    List<String> threads = new ArrayList<>();
    try (DirectoryStream<Path> tasks = Files.newDirectoryStream(Path.of("/proc/1/task"))) {
      tasks.forEach(t -> threads.add("common_pid == " + t.getFileName()));
      Files.createDirectory(instance);
      Files.writeString(
          instance.resolve("events/sock/inet_sock_set_state/filter"), String.join(" || ", threads));
      Files.writeString(instance.resolve("buffer_size_kb"), "16384");
      Files.writeString(instance.resolve("events/sock/inet_sock_set_state/enable"), "1");
    } catch (IOException e) {
      throw new AssertionError("record changes of state by ftrace", e);
    }
    return new SkippedChanges(instance);
  }

  /** How many changes went into or out of each state so far, by the census' names. */
  Map<String, Long> byState() {
    Map<String, Long> changes = new TreeMap<>();
    try (var lines = Files.lines(instance.resolve("trace"))) {
      lines.forEach(
          line -> {
            if (line.contains("LOST")) {
              throw new AssertionError("the trace's buffer was too small: " + line);
            }
            Matcher m = CHANGE.matcher(line);
            if (m.find()) {
              changes.merge(name(m.group(1)), 1L, Long::sum);
              changes.merge(name(m.group(2)), 1L, Long::sum);
            }
          });
    } catch (IOException | UncheckedIOException e) {
      throw new AssertionError("read the trace", e);
    }
    return changes;
  }

  private static String name(String state) {
    return SPELLED.getOrDefault(state, state.toLowerCase(Locale.ROOT));
  }

  @Override
  public void close() {
    try {
      Files.writeString(instance.resolve("events/sock/inet_sock_set_state/enable"), "0");
      Files.delete(instance);
    } catch (IOException e) {
      throw new AssertionError("remove " + instance, e);
    }
  }
}
