package dev.sonde.agent.truth;

import java.util.EnumMap;
import java.util.Map;

/**
 * What the image shows of a node, feature by feature: each is on or off. The rows of
 * docs/security.md are these.
 */
enum Features {
  /** Bytes of TCP by pod. */
  TCP,
  /** Waits for a CPU by pod. */
  SCHEDULER,
  /** CPU seconds from cgroup files. */
  CPU_FILES,
  /** GC totals of a JVM with another uid. */
  JVM,
  /** Descriptors of that JVM. */
  OPEN_FILES;

  /** What is there of these pods. */
  static Map<Features, Boolean> of(Scrape scrape, PodLoad load) {
    Map<Features, Boolean> on = new EnumMap<>(Features.class);
    on.put(TCP, scrape.sum(TcpMoved.SENT, load.shell().labels()) > 0);
    on.put(SCHEDULER, scrape.sum("sonde_sched_run_queue_seconds_count", load.shell().labels()) > 0);
    on.put(CPU_FILES, scrape.sum("sonde_cpu_usage_seconds_total", load.jvm().labels()) > 0);
    on.put(JVM, scrape.sum("sonde_jvm_gc_collections_total", load.jvm().labels()) > 0);
    on.put(OPEN_FILES, scrape.sum("sonde_open_files", load.jvm().labels()) > 0);
    return on;
  }
}
