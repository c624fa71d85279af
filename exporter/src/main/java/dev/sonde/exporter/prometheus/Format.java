package dev.sonde.exporter.prometheus;

/** What a scrape may ask for, in the order in which Sonde prefers them. */
public enum Format {
  /** The only one that carries native histograms and created timestamps. */
  PROTOBUF(
      "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily;"
          + " encoding=delimited"),
  OPENMETRICS("application/openmetrics-text; version=1.0.0; charset=utf-8"),
  TEXT("text/plain; version=0.0.4; charset=utf-8");

  private final String contentType;

  Format(String contentType) {
    this.contentType = contentType;
  }

  public String contentType() {
    return contentType;
  }
}
