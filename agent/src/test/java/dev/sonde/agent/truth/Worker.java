package dev.sonde.agent.truth;

import static org.awaitility.Awaitility.await;

import dev.sonde.agent.guest.Patience;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;

/**
 * A process in a pod's cgroup that runs only between {@link #go} and {@link #halt}.
 *
 * <p>What it did in between is complete and stands still on both sides, in the kernel's own books
 * and in Sonde's: the bracket around a comparison has no width, however busy the machine is.
 */
final class Worker {
  private final Process process;

  private Worker(Process process) {
    this.process = process;
  }

  /** Starts the command, in the cgroup, and halts it. */
  static Worker halted(PodCgroup pod, String... command) {
    Worker worker = new Worker(pod.start(command));
    worker.halt();
    return worker;
  }

  /** Spins for ever in user space, and never was in the cgroup on another CPU. */
  static Worker hog(PodCgroup pod, int cpu) {
    Worker worker = new Worker(pod.startOn(cpu, "sh", "-c", "while :; do :; done"));
    worker.halt();
    return worker;
  }

  /** One that leaves the rest of the time to everybody else, on a machine with one CPU. */
  static Worker modestHog(PodCgroup pod) {
    return halted(pod, "nice", "-n", "19", "sh", "-c", "while :; do :; done");
  }

  long pid() {
    return process.pid();
  }

  void go() {
    Command.run("kill", "-CONT", Long.toString(pid()));
  }

  void halt() {
    Command.run("kill", "-STOP", Long.toString(pid()));
    await("process " + pid() + " to stop")
        .atMost(Patience.seconds(20))
        .pollInterval(Duration.ofMillis(5))
        .until(() -> state() == 'T');
  }

  /** Ends it, and takes its status, so that its pid is free. */
  void end() {
    process.destroyForcibly();
    await("process " + pid() + " to end").atMost(Patience.seconds(20)).until(() -> !isThere());
  }

  private boolean isThere() {
    return Files.exists(Path.of("/proc", Long.toString(pid())));
  }

  private char state() {
    String stat = read(pid(), "stat");
    return stat.charAt(stat.lastIndexOf(')') + 2);
  }

  /** The kernel's books of this process: proc(5), Documentation/scheduler/sched-stats.rst. */
  Books books() {
    String[] f = read(pid(), "schedstat").trim().split(" ");
    String status = read(pid(), "status");
    return new Books(
        Long.parseLong(f[0]) / 1e9,
        Long.parseLong(f[1]) / 1e9,
        Long.parseLong(f[2]),
        number(status, "voluntary_ctxt_switches"),
        number(status, "nonvoluntary_ctxt_switches"));
  }

  /**
   * @param onCpu seconds on a CPU
   * @param waited seconds on a run queue
   * @param slices how often it got a CPU
   */
  record Books(double onCpu, double waited, long slices, long voluntary, long involuntary) {
    static final Books NONE = new Books(0, 0, 0, 0, 0);

    Books minus(Books o) {
      return new Books(
          onCpu - o.onCpu,
          waited - o.waited,
          slices - o.slices,
          voluntary - o.voluntary,
          involuntary - o.involuntary);
    }

    Books plus(Books o) {
      return new Books(
          onCpu + o.onCpu,
          waited + o.waited,
          slices + o.slices,
          voluntary + o.voluntary,
          involuntary + o.involuntary);
    }
  }

  private static long number(String status, String name) {
    for (String line : status.split("\n")) {
      if (line.startsWith(name + ":")) {
        return Long.parseLong(line.substring(name.length() + 1).trim());
      }
    }
    throw new AssertionError("no " + name + " in:\n" + status);
  }

  private static String read(long pid, String file) {
    try {
      return Files.readString(Path.of("/proc", Long.toString(pid), file));
    } catch (IOException e) {
      throw new AssertionError("process " + pid + " should be there", e);
    }
  }
}
