package dev.sonde.exporter.http;

import java.util.Map;

/**
 * What the endpoint counted since it started.
 *
 * @param scrapes pages rendered
 * @param scrapeSeconds time spent rendering and compressing them
 * @param scrapeBytes their bytes, after compression, headers left out
 * @param rejected what was turned away, by {@link Rejection#label}; every reason is present
 * @param connections open now
 */
public record HttpStats(
    long scrapes,
    double scrapeSeconds,
    long scrapeBytes,
    Map<String, Long> rejected,
    int connections) {
  public HttpStats {
    rejected = Map.copyOf(rejected);
  }
}
