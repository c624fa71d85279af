package dev.sonde.agent.truth;

/** What Sonde says of one pod's tasks: the same shape as the kernel's books. */
record SchedSums(double onCpu, double waited, double waits, double wakeups, double preemptions) {
  static SchedSums of(Scrape scrape, PodCgroup pod) {
    String waits = "sonde_sched_run_queue_seconds_count";
    return new SchedSums(
        scrape.sum("sonde_sched_on_cpu_seconds_total", pod.labels()),
        scrape.sum("sonde_sched_run_queue_seconds_sum", pod.labels()),
        scrape.sum(waits, pod.labels()),
        scrape.sum(waits, pod.labels("reason", "wakeup")),
        scrape.sum(waits, pod.labels("reason", "preempted")));
  }

  SchedSums minus(SchedSums o) {
    return new SchedSums(
        onCpu - o.onCpu,
        waited - o.waited,
        waits - o.waits,
        wakeups - o.wakeups,
        preemptions - o.preemptions);
  }
}
