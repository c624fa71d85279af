// SPDX-License-Identifier: Apache-2.0

import java.io.IOException;
import java.net.HttpURLConnection;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Scrapes the agent once a second and prints a line per pod with what moved since the last scrape.
 *
 * <p>{@code java demo/Watch.java http://127.0.0.1:9520/metrics 60 jvm=UID sender=UID}: the address,
 * for how many seconds (0: until stopped), and the pods by name and UID. Ends with 1 if the agent
 * does not answer.
 */
public final class Watch {
  private static final int PATIENCE_SECONDS = 30;
  private static final int HEADER_EVERY = 15;

  private Watch() {}

  /** One column: the counter's change per second, or the quotient of two changes. */
  private record Column(String title, String metric, String per, double factor) {
    double value(Map<String, Double> before, Map<String, Double> now, double seconds) {
      double change = change(metric, before, now);
      double base = per.isEmpty() ? seconds : change(per, before, now);
      return base == 0 ? 0 : change / base * factor;
    }

    private static double change(
        String metric, Map<String, Double> before, Map<String, Double> now) {
      return now.getOrDefault(metric, 0.0) - before.getOrDefault(metric, 0.0);
    }
  }

  private static final List<Column> COLUMNS =
      List.of(
          new Column("sent MB/s", "sonde_tcp_sent_bytes_total", "", 1e-6),
          new Column("recv MB/s", "sonde_tcp_received_bytes_total", "", 1e-6),
          new Column("retrans/s", "sonde_tcp_retransmits_total", "", 1),
          new Column("CPU %", "sonde_sched_on_cpu_seconds_total", "", 100),
          new Column("waits/s", "sonde_sched_run_queue_seconds_count", "", 1),
          new Column(
              "us/wait",
              "sonde_sched_run_queue_seconds_sum",
              "sonde_sched_run_queue_seconds_count",
              1e6),
          new Column("GCs/s", "sonde_jvm_gc_collections_total", "", 1),
          new Column("GC ms/s", "sonde_jvm_gc_time_seconds_total", "", 1e3));

  /** See the class. */
  public static void main(String[] args) throws InterruptedException {
    if (args.length < 3) {
      System.err.println("usage: Watch URL SECONDS NAME=UID...");
      System.exit(2);
    }
    URI address = URI.create(args[0]);
    int seconds = Integer.parseInt(args[1]);
    Map<String, String> pods = new LinkedHashMap<>();
    for (String arg : List.of(args).subList(2, args.length)) {
      pods.put(arg.substring(0, arg.indexOf('=')), arg.substring(arg.indexOf('=') + 1));
    }
    List<String> before = firstScrape(address);
    long beforeNanos = System.nanoTime();
    for (int second = 0; seconds == 0 || second < seconds; second++) {
      Thread.sleep(1000);
      List<String> now;
      try {
        now = scrape(address);
      } catch (IOException e) {
        System.err.println("the agent at " + address + " stopped answering: " + e.getMessage());
        System.exit(1);
        return;
      }
      long nowNanos = System.nanoTime();
      if (second % HEADER_EVERY == 0) {
        System.out.println(header());
      }
      for (Map.Entry<String, String> pod : pods.entrySet()) {
        Map<String, Double> from = sums(before, pod.getValue());
        Map<String, Double> to = sums(now, pod.getValue());
        System.out.println(line(pod.getKey(), from, to, (nowNanos - beforeNanos) / 1e9));
      }
      before = now;
      beforeNanos = nowNanos;
    }
  }

  private static List<String> firstScrape(URI address) throws InterruptedException {
    IOException last = new IOException("never asked");
    for (int i = 0; i < PATIENCE_SECONDS * 10; i++) {
      try {
        return scrape(address);
      } catch (IOException e) {
        last = e; // not listening yet
        Thread.sleep(100);
      }
    }
    System.err.println("no answer from the agent at " + address + ": " + last.getMessage());
    System.exit(1);
    return List.of();
  }

  private static List<String> scrape(URI address) throws IOException {
    HttpURLConnection connection = (HttpURLConnection) address.toURL().openConnection();
    connection.setConnectTimeout(2000);
    connection.setReadTimeout(5000);
    connection.setRequestProperty("Accept", "text/plain");
    if (connection.getResponseCode() != HttpURLConnection.HTTP_OK) {
      throw new IOException("HTTP status " + connection.getResponseCode());
    }
    try (var body = connection.getInputStream()) {
      return new String(body.readAllBytes(), StandardCharsets.UTF_8).lines().toList();
    }
  }

  /** Per metric name the sum over the series of one pod, whatever their further labels. */
  private static Map<String, Double> sums(List<String> lines, String uid) {
    Map<String, Double> sums = new LinkedHashMap<>();
    for (String line : lines) {
      int brace = line.indexOf('{');
      int end = line.lastIndexOf('}');
      if (brace > 0 && line.contains(uid)) {
        String value = line.substring(end + 1).strip().split(" ", 2)[0];
        sums.merge(line.substring(0, brace), Double.valueOf(value), Double::sum);
      }
    }
    return sums;
  }

  private static String header() {
    List<String> titles = new ArrayList<>();
    COLUMNS.forEach(column -> titles.add(String.format("%10s", column.title())));
    return String.format("%-10s", "pod") + String.join("", titles);
  }

  private static String line(
      String pod, Map<String, Double> before, Map<String, Double> now, double seconds) {
    StringBuilder line = new StringBuilder(String.format("%-10s", pod));
    for (Column column : COLUMNS) {
      double value = column.value(before, now, seconds);
      line.append(value == 0 ? "         -" : String.format(Locale.ROOT, "%10.1f", value));
    }
    return line.toString();
  }
}
