package dev.sonde.exporter.prometheus;

import static org.assertj.core.api.Assertions.assertThat;

import io.prometheus.metrics.config.PrometheusProperties;
import io.prometheus.metrics.expositionformats.ExpositionFormats;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class NegotiationTest {
  private static final String PROTO =
      "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited";

  @ParameterizedTest
  @ValueSource(
      strings = {
        // Prometheus 2.42, with and without native histograms
        PROTO
            + ",application/openmetrics-text;version=1.0.0;q=0.8,"
            + "application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,"
            + "*/*;q=0.1",
        "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;"
            + "q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
        // Prometheus 3
        "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
            + "application/openmetrics-text;version=0.0.1;q=0.4,"
            + "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,"
            + "/;q=0.1",
        "text/plain",
        "*/*",
        "text/html,application/xhtml+xml,*/*;q=0.8",
        ""
      })
  void agreesWithTheOfficialLibraryOnWhatPrometheusSends(String accept) {
    String official =
        ExpositionFormats.init(PrometheusProperties.builder().build())
            .findWriter(accept)
            .getContentType();

    assertThat(Negotiation.format(accept).contentType()).isEqualTo(official);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "application/openmetrics-text;q=0,text/plain | TEXT",
        "application/openmetrics-text;q=0.3,text/plain;q=0.9 | TEXT",
        "text/plain;q=0.5,application/openmetrics-text;q=0.6 | OPENMETRICS",
        "APPLICATION/OpenMetrics-Text | OPENMETRICS",
        "application/vnd.google.protobuf | TEXT",
        "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=text"
            + " | TEXT",
        "application/vnd.google.protobuf; proto=\"io.prometheus.client.MetricFamily\" | PROTOBUF",
        "application/json | TEXT",
        "*/*;q=0 | TEXT",
        "application/openmetrics-text;q=nonsense | TEXT",
        ",;,q=;= | TEXT"
      })
  void honoursQuality(String accept, Format format) {
    assertThat(Negotiation.format(accept)).isEqualTo(format);
  }

  @Test
  void withoutAcceptItIsText() {
    assertThat(Negotiation.format(null)).isEqualTo(Format.TEXT);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "gzip | true",
        "deflate, GZIP;q=0.5 | true",
        "gzip;q=0 | false",
        "gzip;q=0.000, * | false",
        "* | true",
        "*;q=0 | false",
        "identity | false",
        "br | false",
        "'' | false"
      })
  void gzip(String acceptEncoding, boolean yes) {
    assertThat(Negotiation.gzip(acceptEncoding)).isEqualTo(yes);
  }
}
