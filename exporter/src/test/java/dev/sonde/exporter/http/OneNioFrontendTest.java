package dev.sonde.exporter.http;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.sonde.exporter.http.RawClient.Answer;
import dev.sonde.exporter.model.Readiness;
import dev.sonde.exporter.model.Snapshot;
import dev.sonde.exporter.prometheus.Bytes;
import dev.sonde.exporter.prometheus.Exposition;
import dev.sonde.exporter.prometheus.Format;
import dev.sonde.exporter.prometheus.Samples;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class OneNioFrontendTest {
  @ParameterizedTest
  @EnumSource(Format.class)
  void servesEveryFormatPlainAndCompressed(Format format) throws Exception {
    byte[] expected = page(format);
    try (Running server = new Running()) {
      HttpResponse<byte[]> plain = server.get("/metrics", "Accept", format.contentType());
      HttpResponse<byte[]> packed =
          server.get("/metrics", "Accept", format.contentType(), "Accept-Encoding", "gzip");

      assertThat(plain.statusCode()).isEqualTo(200);
      assertThat(plain.headers().firstValue("Content-Type")).contains(format.contentType());
      assertThat(plain.headers().firstValue("Content-Encoding")).isEmpty();
      assertThat(plain.body()).isEqualTo(expected);
      assertThat(packed.headers().firstValue("Content-Encoding")).contains("gzip");
      assertThat(new GZIPInputStream(new ByteArrayInputStream(packed.body())).readAllBytes())
          .isEqualTo(expected);
      assertThat(server.http.stats().scrapes()).isEqualTo(2);
      assertThat(server.http.stats().scrapeSeconds()).isPositive();
      assertThat(server.http.stats().scrapeBytes())
          .isEqualTo(plain.body().length + packed.body().length);
    }
  }

  @Test
  void aLargePageArrivesWhole() throws Exception {
    try (Running server = new Running()) {
      server.snapshot.set(Samples.counters(100_000));

      assertThat(server.get("/metrics").body()).hasSizeGreaterThan(8_000_000).endsWith('\n');
      assertThat(server.get("/metrics").body()).hasSizeGreaterThan(8_000_000);
    }
  }

  @Test
  void beforeTheFirstSnapshotAScrapeSaysSo() throws Exception {
    try (Running server = new Running()) {
      server.snapshot.set(null);

      HttpResponse<byte[]> answer = server.get("/metrics");

      assertThat(answer.statusCode()).isEqualTo(503);
      assertThat(new String(answer.body(), UTF_8)).contains("no snapshot yet");
      assertThat(answer.headers().firstValue("Retry-After")).isPresent();
    }
  }

  @Test
  void theFirstScrapeThatIsServedCanBeWaitedFor() throws Exception {
    try (Running server = new Running()) {
      Snapshot some = server.snapshot.getAndSet(null);
      server.get("/metrics"); // refused
      assertThat(server.http.awaitScrape(Duration.ofMillis(1))).isFalse();
      server.snapshot.set(some);
      server.get("/metrics");
      assertThat(server.http.awaitScrape(Duration.ofSeconds(10))).isTrue();
      assertThat(server.http.awaitScrape(Duration.ZERO)).isTrue();
    }
  }

  @Test
  void readinessIsTold() throws Exception {
    try (Running server = new Running()) {
      assertThat(server.get("/readyz").statusCode()).isEqualTo(200);
      server.readiness.set(new Readiness.NotReady("no probe is attached: EPERM"));

      HttpResponse<byte[]> answer = server.get("/readyz");

      assertThat(answer.statusCode()).isEqualTo(503);
      assertThat(new String(answer.body(), UTF_8)).isEqualTo("no probe is attached: EPERM\n");
      assertThat(server.get("/healthz").statusCode()).isEqualTo(200);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "GET, /, 200",
    "GET, /metrics?name[]=x, 200",
    "GET, http://elsewhere/healthz, 200",
    "GET, /nothing, 404",
    "GET, /metrics/, 404",
    "GET, /../metrics, 404",
    "POST, /nothing, 404",
    "POST, /metrics, 405",
    "DELETE, /readyz, 405",
    "OPTIONS, *, 404",
    "BREW, /healthz, 405"
  })
  void paths(String method, String path, int status) throws IOException {
    try (Running server = new Running();
        RawClient client = server.raw()) {
      Answer answer = client.send(method + " " + path + " HTTP/1.1\r\nHost: x\r\n\r\n").answer();

      assertThat(answer.status()).isEqualTo(status);
      assertThat(answer.header("Allow")).isEqualTo(status == 405 ? "GET, HEAD" : "");
      assertThat(answer.header("Connection")).isEqualTo("keep-alive");
    }
  }

  @ParameterizedTest
  @CsvSource({"/metrics", "/healthz", "/", "/nothing"})
  void headHasNoBody(String path) throws IOException {
    try (Running server = new Running();
        RawClient client = server.raw()) {
      client.send("HEAD " + path + " HTTP/1.1\r\nHost: x\r\n\r\n").answerHead();

      // the next answer begins right after
      assertThat(client.send(Running.GET).answer().text()).isEqualTo("ok\n");
    }
  }

  @Test
  void http10IsClosedUnlessItAsksNotTo() throws IOException {
    try (Running server = new Running();
        RawClient once = server.raw();
        RawClient again = server.raw()) {
      Answer answer = once.send("GET /healthz HTTP/1.0\r\n\r\n").answer();
      assertThat(answer.status()).isEqualTo(200);
      assertThat(answer.header("Connection")).isEqualTo("close");
      assertThat(once.ended()).isTrue();

      String keep = "GET /healthz HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n";
      assertThat(again.send(keep).answer().header("Connection")).isEqualTo("keep-alive");
      assertThat(again.send(keep).answer().status()).isEqualTo(200);
    }
  }

  @Test
  void closesWhenAskedTo() throws IOException {
    try (Running server = new Running();
        RawClient client = server.raw()) {
      String request = "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: foo, Close\r\n\r\n";
      assertThat(client.send(request).answer().header("Connection")).isEqualTo("close");
      assertThat(client.ended()).isTrue();
    }
  }

  @Test
  void aClientThatEndsItsOutputStillGetsItsScrape() throws IOException {
    try (Running server = new Running();
        RawClient client = server.raw()) {
      client.send("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").endOutput();

      assertThat(client.answer().body()).hasSizeGreaterThan(1000);
      assertThat(client.ended()).isTrue();
    }
  }

  @Test
  void pipelinedRequestsAreAnsweredInOrder() throws IOException {
    try (Running server = new Running();
        RawClient client = server.raw()) {
      StringBuilder all = new StringBuilder();
      for (int i = 0; i < 20; i++) {
        all.append("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").append(Running.GET);
        all.append("GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n");
      }
      client.send(all.toString());
      for (int i = 0; i < 20; i++) {
        assertThat(client.answer().text()).contains("# TYPE sonde_tcp_sent_bytes_total counter");
        assertThat(client.answer().text()).isEqualTo("ok\n");
        assertThat(client.answer().status()).isEqualTo(404);
      }
    }
  }

  @Test
  void anotherServerOnThePortIsToldApart() throws Exception {
    try (Running server = new Running()) {
      int port = server.address().getPort();
      assertThatThrownBy(() -> new Running(HttpConfig.listen("127.0.0.1", port)))
          .isInstanceOf(ListenException.class)
          .hasMessageStartingWith("listen on 127.0.0.1:" + port + ": address already in use")
          .hasMessageContaining("--listen");
      assertThat(server.get("/healthz").statusCode()).isEqualTo(200);
    }
  }

  @ParameterizedTest
  @CsvSource({"192.0.2.1, not an address of this machine", "no.such.host.invalid, unknown host"})
  void aBadAddressIsTold(String host, String why) {
    assertThatThrownBy(() -> new Running(HttpConfig.listen(host, 9520)))
        .isInstanceOf(ListenException.class)
        .hasMessageContaining(host + ":9520: " + why)
        .hasMessageContaining("--listen");
  }

  @Test
  void closesTwiceAndFreesThePort() throws Exception {
    Running first = new Running();
    RawClient client = first.raw();
    client.send(Running.GET).answer();
    first.close();
    first.close();
    assertThat(client.ended()).isTrue();
    client.close();

    await()
        .untilAsserted(
            () ->
                assertThat(Thread.getAllStackTraces().keySet())
                    .extracting(Thread::getName)
                    .noneMatch(name -> name.startsWith("sonde-") || name.startsWith("NIO ")));

    try (Running second = new Running(HttpConfig.listen("127.0.0.1", first.address().getPort()))) {
      assertThat(second.get("/healthz").statusCode()).isEqualTo(200);
    }
  }

  @Test
  void noNativeCodeIsUnpackedToTmp() throws Exception {
    try (Running server = new Running()) {
      assertThat(server.get("/healthz").statusCode()).isEqualTo(200);
      assertThat(one.nio.net.Socket.USE_NATIVE_SOCKET).isFalse();
      assertThat(System.getProperty("os.name")).isEqualTo("Linux");
    }
  }

  private static byte[] page(Format format) throws IOException {
    Bytes out = new Bytes(16);
    new Exposition(true).render(Samples.hostile(), format, out);
    return out.toArray();
  }
}
