package dev.sonde.agent.truth;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * ftrace's record of who ran when: a witness of its own, beside Sonde's programs. An instance of
 * its own, on CLOCK_MONOTONIC; times are cut to microseconds.
 *
 * {@snippet :
 * try (TraceFs tracefs = TraceFs.mounted(); SwitchTrace trace = SwitchTrace.start()) {
 *   load();
 *   trace.stop();
 *   Map<Long, Double> by = trace.preemptedBy(pid);
 * }
 * }
 */
final class SwitchTrace implements AutoCloseable {
  private static final Pattern LINE =
      Pattern.compile("\\s\\[(\\d+)]\\s+\\S+\\s+([\\d.]+): (sched_\\w+): (.*)");
  private static final Pattern SWITCH =
      Pattern.compile("prev_pid=(\\d+) prev_prio=-?\\d+ prev_state=(\\S+) ==> .*next_pid=(\\d+)");
  private static final Pattern PID = Pattern.compile(" pid=(\\d+)");

  /** A switch, or ({@code prev} -1) the wake-up of {@code next}. */
  private record Event(double time, int cpu, long prev, String state, long next) {}

  private final TraceInstance instance;
  private final List<Event> events = new ArrayList<>();

  private SwitchTrace(TraceInstance instance) {
    this.instance = instance;
  }

  static SwitchTrace start() {
    TraceInstance instance = TraceInstance.create();
    instance.write("trace_clock", "mono");
    instance.write("set_event", "sched:sched_switch\nsched:sched_wakeup\nsched:sched_wakeup_new\n");
    return new SwitchTrace(instance);
  }

  /** Ends the recording and reads it. */
  void stop() {
    instance.write("tracing_on", "0");
    instance.forEachLine(this::parse);
    if (events.isEmpty()) {
      throw new AssertionError("the trace is empty");
    }
  }

  private void parse(String line) {
    Matcher m = LINE.matcher(line);
    if (line.startsWith("#") || !m.find()) {
      return;
    }
    int cpu = Integer.parseInt(m.group(1));
    double time = Double.parseDouble(m.group(2));
    Matcher s = SWITCH.matcher(m.group(4));
    Matcher p = PID.matcher(m.group(4));
    if (m.group(3).equals("sched_switch") && s.find()) {
      events.add(
          new Event(time, cpu, Long.parseLong(s.group(1)), s.group(2), Long.parseLong(s.group(3))));
    } else if (p.find()) {
      events.add(new Event(time, cpu, -1, "", Long.parseLong(p.group(1))));
    }
  }

  private static boolean runnable(String state) {
    return state.startsWith("R");
  }

  /** How long each pid ran while {@code victim}, preempted, waited; for one that keeps its CPU. */
  Map<Long, Double> preemptedBy(long victim) {
    Map<Long, Double> by = new HashMap<>();
    Map<Integer, Event> running = new HashMap<>();
    double since = -1;
    int cpu = -1;
    for (Event e : events) {
      if (e.prev() < 0) {
        continue;
      }
      Event before = running.put(e.cpu(), e);
      if (since >= 0 && e.cpu() == cpu && before != null) {
        by.merge(before.next(), e.time() - Math.max(before.time(), since), Double::sum);
      }
      if (e.next() == victim) {
        since = -1;
      }
      if (e.prev() == victim) {
        since = runnable(e.state()) ? e.time() : -1;
        cpu = e.cpu();
      }
    }
    return by;
  }

  /** Waits for a CPU of {@code pid}, in seconds, each. */
  List<Double> waits(long pid) {
    List<Double> waits = new ArrayList<>();
    double since = -1;
    boolean running = false;
    for (Event e : events) {
      if (e.prev() < 0) {
        if (e.next() == pid && since < 0 && !running) {
          since = e.time();
        }
        continue;
      }
      if (e.next() == pid) {
        if (since >= 0) {
          waits.add(e.time() - since);
        }
        since = -1;
        running = true;
      }
      if (e.prev() == pid) {
        running = false;
        since = runnable(e.state()) ? e.time() : -1;
      }
    }
    return waits;
  }

  /**
   * How long {@code pid} was off its CPU until woken, in a state that begins with {@code state}.
   */
  double blocked(long pid, String state) {
    double sum = 0;
    double since = -1;
    for (Event e : events) {
      if (e.prev() < 0 && e.next() == pid && since >= 0) {
        sum += e.time() - since;
        since = -1;
      } else if (e.prev() == pid) {
        since = e.state().startsWith(state) ? e.time() : -1;
      }
    }
    return sum;
  }

  @Override
  public void close() {
    instance.close();
  }
}
