package dev.sonde.exporter.http;

import dev.sonde.exporter.model.Readiness;
import dev.sonde.exporter.model.Snapshot;
import dev.sonde.exporter.prometheus.Samples;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** An endpoint under test. */
final class Running implements AutoCloseable {
  static final String GET = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";

  final AtomicReference<@Nullable Snapshot> snapshot = new AtomicReference<>(Samples.hostile());
  final AtomicReference<Readiness> readiness = new AtomicReference<>(new Readiness.Ready());
  final OneNioFrontend http;

  Running() throws IOException {
    this(HttpConfig.listen("127.0.0.1", 0));
  }

  Running(HttpConfig config) throws IOException {
    http = OneNioFrontend.start(config, snapshot::get, readiness::get);
  }

  static HttpConfig impatient() {
    return HttpConfig.listen("127.0.0.1", 0)
        .withDeadlines(Duration.ofSeconds(1), Duration.ofSeconds(2), Duration.ofSeconds(2));
  }

  InetSocketAddress address() {
    return http.address();
  }

  RawClient raw() throws IOException {
    return new RawClient(address());
  }

  long rejected(Rejection why) {
    Long n = http.stats().rejected().get(why.label());
    return n == null ? -1 : n;
  }

  /** What a well-behaved scraper gets. */
  HttpResponse<byte[]> get(String path, String... headers) throws Exception {
    try (HttpClient client = HttpClient.newHttpClient()) {
      HttpRequest.Builder request =
          HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + address().getPort() + path))
              .version(HttpClient.Version.HTTP_1_1)
              .timeout(Duration.ofSeconds(20));
      if (headers.length > 0) {
        request.headers(headers);
      }
      return client.send(request.build(), HttpResponse.BodyHandlers.ofByteArray());
    }
  }

  @Override
  public void close() {
    http.close();
  }
}
