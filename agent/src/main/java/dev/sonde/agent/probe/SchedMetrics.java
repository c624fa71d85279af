package dev.sonde.agent.probe;

import dev.sonde.exporter.model.Metric;

/** The scheduler's metrics: docs/metrics.md has their definitions. */
final class SchedMetrics {
  static final Metric RUN_QUEUE =
      Metric.histogram(
          "sonde_sched_run_queue_seconds",
          "Time from becoming runnable to running, by why the task was waiting: woken up,"
              + " preempted, or out of CPU quota.",
          // 15 us, 122 us, 1 ms, 4 ms, 16 ms, 62 ms, 250 ms, 1 s, 4 s
          -64,
          -52,
          -40,
          -32,
          -24,
          -16,
          -8,
          0,
          8);

  static final Metric OFF_CPU =
      Metric.histogram(
          "sonde_sched_off_cpu_seconds",
          "Time from giving up the CPU to the wake-up, by what the task waited for: block I/O, or"
              + " anything else.",
          // 122 us, 1 ms, 4 ms, 16 ms, 62 ms, 250 ms, 1 s, 4 s, 16 s
          -52,
          -40,
          -32,
          -24,
          -16,
          -8,
          0,
          8,
          16);

  static final Metric ON_CPU =
      Metric.counter("sonde_sched_on_cpu_seconds_total", "Time that tasks ran on a CPU.");

  static final Metric SWITCHES =
      Metric.counter(
          "sonde_sched_switches_total",
          "Times that a task left its CPU: by itself, or while it could still run.");

  static final Metric MIGRATIONS =
      Metric.counter("sonde_sched_migrations_total", "Moves of tasks from one CPU to another.");

  static final Metric DEADLINE_MISSES =
      Metric.counter(
          "sonde_sched_deadline_misses_total", "Waits for a CPU longer than the threshold.");

  static final Metric PREEMPTED =
      Metric.counter(
          "sonde_sched_preempted_seconds_total",
          "Time that preempted tasks waited for a CPU while the other workload ran on it.");

  private SchedMetrics() {}
}
