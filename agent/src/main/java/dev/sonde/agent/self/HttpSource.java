package dev.sonde.agent.self;

import dev.sonde.agent.pipeline.SnapshotBuilder;
import dev.sonde.agent.pipeline.Source;
import dev.sonde.exporter.http.HttpFrontend;
import dev.sonde.exporter.http.HttpStats;
import dev.sonde.exporter.model.Metric;

/** How scrapes are served, and who was turned away. */
public final class HttpSource implements Source {
  static final Metric SCRAPES = Metric.counter("sonde_scrapes_total", "Pages of metrics rendered.");
  static final Metric SECONDS =
      Metric.counter("sonde_scrape_seconds_total", "Time spent rendering them.");
  static final Metric BYTES = Metric.counter("sonde_scrape_bytes_total", "Their bytes as sent.");
  static final Metric REJECTED =
      Metric.counter("sonde_http_rejected_total", "Requests and connections turned away, by why.");
  static final Metric CONNECTIONS =
      Metric.gauge("sonde_http_connections", "Open HTTP connections.");

  private final HttpFrontend http;

  public HttpSource(HttpFrontend http) {
    this.http = http;
  }

  @Override
  public void collect(SnapshotBuilder out) {
    HttpStats s = http.stats();
    out.addOwn(SCRAPES, s.scrapes());
    out.addOwn(SECONDS, s.scrapeSeconds());
    out.addOwn(BYTES, s.scrapeBytes());
    out.addOwn(CONNECTIONS, s.connections());
    s.rejected().forEach((reason, n) -> out.addOwn(REJECTED, n, "reason", reason));
  }
}
