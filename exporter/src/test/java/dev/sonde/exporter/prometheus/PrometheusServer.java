package dev.sonde.exporter.prometheus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;

/** The Debian package's server, scraping one target every second into a fresh directory. */
public final class PrometheusServer implements AutoCloseable {
  private static final Path PROGRAM = Path.of("/usr/bin/prometheus");

  private final Process process;
  private final String url;
  private final HttpClient client = HttpClient.newHttpClient();

  /**
   * Starts it with a target on 127.0.0.1 whose target labels are the agent's own pod's, as
   * Kubernetes discovery sets them.
   *
   * @param dir an empty directory for its configuration, data and log
   */
  public PrometheusServer(Path dir, int target) throws IOException {
    Tools.require(PROGRAM, "prometheus");
    Path config = dir.resolve("prometheus.yml");
    Files.writeString(
        config,
        """
        global: {scrape_interval: 1s}
        scrape_configs:
          - job_name: sonde
            honor_labels: true
            static_configs:
              - targets: ["127.0.0.1:%d"]
                labels: {namespace: monitoring, pod: sonde-agent-x, container: agent}
        """
            .formatted(target));
    int port;
    try (ServerSocket free = new ServerSocket(0)) {
      port = free.getLocalPort();
    }
    url = "http://127.0.0.1:" + port + "/api/v1/query?query=";
    process =
        new ProcessBuilder(
                PROGRAM.toString(),
                "--config.file=" + config,
                "--storage.tsdb.path=" + dir.resolve("data"),
                "--web.listen-address=127.0.0.1:" + port,
                "--enable-feature=native-histograms")
            .redirectErrorStream(true)
            .redirectOutput(dir.resolve("log").toFile())
            .start();
  }

  /** The answer of the query API, as JSON. */
  public String query(String promql) throws Exception {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(url + URLEncoder.encode(promql, StandardCharsets.UTF_8)))
            .timeout(Duration.ofSeconds(10))
            .build();
    return client.send(request, HttpResponse.BodyHandlers.ofString()).body();
  }

  /** Waits until the query has one result with this value. */
  public void awaitResult(String promql, String value) {
    await(promql)
        .atMost(Duration.ofSeconds(60))
        .ignoreExceptions()
        .untilAsserted(() -> assertThat(query(promql)).contains(",\"" + value + "\"]"));
  }

  @Override
  public void close() {
    client.close();
    process.destroyForcibly().onExit().join();
  }
}
