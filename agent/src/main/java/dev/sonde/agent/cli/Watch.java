package dev.sonde.agent.cli;

import dev.sonde.agent.config.Config;
import dev.sonde.agent.config.Options;
import dev.sonde.exporter.model.Family;
import dev.sonde.exporter.model.Histogram;
import dev.sonde.exporter.model.Snapshot;
import java.io.PrintStream;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;

/**
 * {@code --watch}: one line per second of what the whole node did, from the same snapshots that are
 * scraped.
 *
 * <p>Called by the snapshot thread only.
 */
final class Watch {
  private static final DateTimeFormatter CLOCK =
      DateTimeFormatter.ofPattern("HH:mm:ss").withZone(ZoneId.systemDefault());

  private final PrintStream out;
  private final Duration every = Duration.ofSeconds(1);
  private final String url;
  private Map<String, Double> before = new HashMap<>();
  private Instant shown = Instant.MIN;

  Watch(PrintStream out, Config config) {
    this.out = out;
    this.url = "http://" + config.get(Options.LISTEN) + "/metrics";
  }

  void show(Snapshot s) {
    Map<String, Double> now = totals(s);
    if (shown.equals(Instant.MIN)) {
      out.println("metrics: " + url + "  (Ctrl-C ends)");
    } else {
      double seconds = Duration.between(shown, s.at()).toNanos() / 1e9;
      if (seconds < every.toNanos() / 1e9 * 0.9) {
        return;
      }
      out.println(line(s, now, seconds));
    }
    out.flush();
    before = now;
    shown = s.at();
  }

  private String line(Snapshot s, Map<String, Double> now, double seconds) {
    double waits = rate(now, "sonde_sched_run_queue_seconds.count", seconds);
    double waited = rate(now, "sonde_sched_run_queue_seconds.sum", seconds);
    return String.format(
        Locale.ROOT,
        "%s  cpu %.2f  waits %.0f/s of %.0f us  tcp sent %s/s received %s/s retransmits %.0f/s"
            + "  gc %.1f ms/s  series %d",
        CLOCK.format(s.at()),
        rate(now, "sonde_sched_on_cpu_seconds_total", seconds),
        waits,
        waits > 0 ? waited / waits * 1e6 : 0,
        bytes(rate(now, "sonde_tcp_sent_bytes_total", seconds)),
        bytes(rate(now, "sonde_tcp_received_bytes_total", seconds)),
        rate(now, "sonde_tcp_retransmits_total", seconds),
        rate(now, "sonde_jvm_gc_time_seconds_total", seconds) * 1e3,
        s.size());
  }

  private double rate(Map<String, Double> now, String name, double seconds) {
    return (now.getOrDefault(name, 0.0) - before.getOrDefault(name, 0.0)) / seconds;
  }

  /** The sum over all series of each metric. */
  private static Map<String, Double> totals(Snapshot s) {
    Map<String, Double> totals = new HashMap<>();
    for (Family family : s.families()) {
      String name = family.metric().name();
      switch (family) {
        case Family.Scalars scalars -> {
          for (int i = 0; i < scalars.size(); i++) {
            totals.merge(name, scalars.value(i), Double::sum);
          }
        }
        case Family.Histograms histograms -> {
          for (int i = 0; i < histograms.size(); i++) {
            Histogram h = histograms.value(i);
            totals.merge(name + ".count", (double) h.count(), Double::sum);
            totals.merge(name + ".sum", h.sum(), Double::sum);
          }
        }
      }
    }
    return totals;
  }

  private static String bytes(double n) {
    String[] units = {"B", "kB", "MB", "GB"};
    int unit = 0;
    double scaled = n;
    while (scaled >= 1000 && unit < units.length - 1) {
      scaled /= 1000;
      unit++;
    }
    return String.format(Locale.ROOT, unit == 0 ? "%.0f %s" : "%.1f %s", scaled, units[unit]);
  }
}
