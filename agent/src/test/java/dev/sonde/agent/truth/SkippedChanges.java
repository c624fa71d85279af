package dev.sonde.agent.truth;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
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

  private final TraceInstance instance;

  private SkippedChanges(TraceInstance instance) {
    this.instance = instance;
  }

  static SkippedChanges record() {
    List<String> threads = new ArrayList<>();
    try (DirectoryStream<Path> tasks = Files.newDirectoryStream(Path.of("/proc/1/task"))) {
      tasks.forEach(t -> threads.add("common_pid == " + t.getFileName()));
    } catch (IOException e) {
      throw new AssertionError("list the threads of pid 1", e);
    }
    TraceInstance instance = TraceInstance.create();
    instance.write("events/sock/inet_sock_set_state/filter", String.join(" || ", threads));
    instance.write("set_event", "sock:inet_sock_set_state\n");
    return new SkippedChanges(instance);
  }

  /** How many changes went into or out of each state so far, by the census' names. */
  Map<String, Long> byState() {
    Map<String, Long> changes = new TreeMap<>();
    instance.forEachLine(
        line -> {
          Matcher m = CHANGE.matcher(line);
          if (m.find()) {
            changes.merge(name(m.group(1)), 1L, Long::sum);
            changes.merge(name(m.group(2)), 1L, Long::sum);
          }
        });
    return changes;
  }

  private static String name(String state) {
    return SPELLED.getOrDefault(state, state.toLowerCase(Locale.ROOT));
  }

  @Override
  public void close() {
    instance.close();
  }
}
