package dev.sonde.exporter.http;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sonde.exporter.http.RawClient.Answer;
import dev.sonde.exporter.model.Readiness;
import dev.sonde.exporter.prometheus.Samples;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What one-nio itself lets through, and whatever else a port must bear; over real sockets. */
class HostileClientsTest {
  private static final String START = "GET /healthz HTTP/1.1\r\nHost: x\r\n";
  private static final String SMUGGLED = "\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n";

  private final List<AutoCloseable> open = new ArrayList<>();

  @AfterEach
  void closeAll() throws Exception {
    for (AutoCloseable c : open.reversed()) {
      c.close();
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "Transfer-Encoding: chunked\r\n",
        "tRANSFER-eNCODING:chunked\r\n",
        "Transfer-Encoding:\tchunked\t\r\n",
        "Transfer-Encoding: identity\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding:\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n"
      })
  void transferEncodingIsRefusedAndNothingBehindItIsRead(String header) throws IOException {
    refused(server(), START + header + SMUGGLED, 501, Rejection.TRANSFER_ENCODING);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "Content-Length: 5\r\ntransfer-encoding: chunked\r\n",
        "Transfer-Encoding : chunked\r\n",
        "Transfer-Encoding\r\n : chunked\r\n",
        "X: y\r\n Transfer-Encoding: chunked\r\n",
        " Transfer-Encoding: chunked\r\n",
        "X: y\n Transfer-Encoding: chunked\r\n",
        "X: y\rTransfer-Encoding: chunked\r\n",
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: 5, 5\r\n",
        "Content-Length: +5\r\n",
        "Content-Length: -1\r\n",
        "Content-Length: 0x5\r\n",
        "Content-Length: \r\n",
        "Content-Length: 99999999999999999999\r\n",
        "Host: y\r\n",
        "no colon\r\n",
        ": no name\r\n",
        "nul: \0\r\n"
      })
  void whatTwoReadersMayReadDifferentlyIsRefused(String header) throws IOException {
    refused(server(), START + header + SMUGGLED, 400, Rejection.BAD_REQUEST);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "GET\r\n",
        "GET /healthz\r\n\r\n",
        "GET  /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /healthz HTTP/1.1 \r\nHost: x\r\n\r\n",
        "GET /a b HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET healthz HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /healthz http/1.1\r\nHost: x\r\n\r\n",
        "GET /healthz HTTP/1.11\r\nHost: x\r\n\r\n",
        "G(T /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
        "CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /h\u00e4 HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /healthz HTTP/1.1\r\n\r\n",
        "GET /healthz HTTP/1.1\nHost: x\n\n",
        "\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003",
        "\0\0\0\0",
        "\u00ff\u00fe\u00fd",
        "*1\r\n$4\r\nPING\r\n",
        "SSH-2.0-OpenSSH_9.2\r\n"
      })
  void malformedRequestsAndOtherProtocolsAreRefused(String bytes) throws IOException {
    OneShot refused = oneShot(server(), bytes);
    assertThat(refused.answer.status()).isEqualTo(400);
    assertThat(refused.ended).isTrue();
  }

  @Test
  void http2IsToldToComeWithAnOlderVersion() throws IOException {
    refused(server(), "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, Rejection.HTTP_VERSION);
  }

  @Test
  void limits() throws IOException {
    Running server = server();
    refused(server, "GET /" + "a".repeat(10_000), 414, Rejection.REQUEST_LINE_TOO_LONG);
    refused(server, START + "X: " + "a".repeat(100_000), 431, Rejection.HEADERS_TOO_LARGE);
    refused(server, START + "X: y\r\n".repeat(1000) + "\r\n", 431, Rejection.HEADERS_TOO_LARGE);
    refused(
        server,
        "POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000\r\n\r\n"
            + "a".repeat(100_000),
        413,
        Rejection.BODY_TOO_LARGE);
    refused(server, START + "Expect: wonders\r\n\r\n", 417, Rejection.EXPECTATION_FAILED);
  }

  @Test
  void headersUpToTheLimitAreFine() throws IOException {
    RawClient client = client(server());
    client.send(START + "X: y\r\n".repeat(63) + "\r\n");
    assertThat(client.answer().status()).isEqualTo(200);
    client.send(START + "X: " + "a".repeat(16_000) + "\r\n\r\n");
    assertThat(client.answer().status()).isEqualTo(200);
  }

  @Test
  void aBodyIsReadAndWhatFollowsIsTheNextRequest() throws IOException {
    RawClient client = client(server());
    String body = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n".repeat(1000);
    client.send(START + "Content-Length: " + body.length() + "\r\n\r\n" + body + Running.GET);

    assertThat(client.answer().text()).isEqualTo("ok\n");
    assertThat(client.answer().text()).isEqualTo("ok\n");
  }

  @Test
  void whoExpectsContinueGetsIt() throws IOException {
    RawClient client = client(server());
    client.send(START + "Expect: 100-Continue\r\nContent-Length: 4\r\n\r\n");
    assertThat(client.answerHead().status()).isEqualTo(100);
    client.send("body" + Running.GET);
    assertThat(client.answer().status()).isEqualTo(200);
    assertThat(client.answer().status()).isEqualTo(200);
  }

  @Test
  void bytesOneByOneAreARequestToo() throws IOException {
    RawClient client = client(server());
    for (byte b : ("\r\n\r\n" + Running.GET + Running.GET).getBytes(ISO_8859_1)) {
      client.send(new byte[] {b});
    }
    assertThat(client.answer().status()).isEqualTo(200);
    assertThat(client.answer().status()).isEqualTo(200);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "GET /healthz HTTP/1.1\r\nHost: x\r\nX: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\naaaaaaaaaaaaaaaaa",
        "\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n"
      })
  void aDribbleIsCutByTheDeadline(String request) throws Exception {
    Running server = running(Running.impatient());
    RawClient client = client(server);
    Thread dribble =
        Thread.ofVirtual()
            .start(
                () -> {
                  try {
                    boolean wrap = request.endsWith("\n"); // else the last byte again and again
                    int last = request.length() - 1;
                    for (int i = 0; ; i = i < last ? i + 1 : wrap ? 0 : last) {
                      client.send(request.substring(i, i + 1));
                      TimeUnit.MILLISECONDS.sleep(20);
                    }
                  } catch (IOException | InterruptedException e) {
                    // cut, as it should be
                  }
                });

    assertThat(client.answer().status()).isEqualTo(408);
    assertThat(client.ended()).isTrue();
    assertThat(server.rejected(Rejection.HEADER_TIMEOUT)).isEqualTo(1);
    dribble.join();
  }

  @Test
  void silenceIsEndedWithoutAWord() throws IOException {
    Running server = running(Running.impatient());
    assertThat(client(server).ended()).isTrue();
    RawClient kept = client(server);
    assertThat(kept.send(Running.GET).answer().status()).isEqualTo(200);
    assertThat(kept.ended()).isTrue();
    await().until(() -> server.http.stats().connections() == 0);
  }

  @Test
  void whoDoesNotReadIsCutAndHoldsUpNobody() throws Exception {
    Running server = running(Running.impatient());
    server.snapshot.set(Samples.counters(200_000));
    RawClient deaf = client(server);
    deaf.send("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n".repeat(50));
    assertThat(server.get("/metrics").body()).hasSizeGreaterThan(1_000_000);

    await().until(() -> server.rejected(Rejection.SLOW_READER) == 1);
    await().until(() -> server.http.stats().connections() == 0);
  }

  @Test
  void oneConnectionTooManyIsToldAndHarmsNone() throws Exception {
    Running server = running(HttpConfig.listen("127.0.0.1", 0).withMaxConnections(3));
    List<RawClient> good = List.of(client(server), client(server), client(server));
    for (RawClient c : good) {
      assertThat(c.send(Running.GET).answer().status()).isEqualTo(200);
    }
    for (int i = 0; i < 200; i++) {
      try (RawClient extra = server.raw()) {
        Answer answer = extra.send(Running.GET).answer();
        assertThat(answer.status()).isEqualTo(503);
        assertThat(answer.header("Retry-After")).isNotEmpty();
        assertThat(extra.ended()).isTrue();
      }
    }
    for (RawClient c : good) {
      assertThat(c.send(Running.GET).answer().status()).isEqualTo(200);
    }
    assertThat(server.rejected(Rejection.TOO_MANY_CONNECTIONS)).isEqualTo(200);
    // those turned away, though some still linger, do not take the place that gets free
    for (int i = 0; i < 20; i++) {
      client(server).send(Running.GET).answer();
    }
    good.getFirst().close();
    await().untilAsserted(() -> assertThat(server.get("/healthz").statusCode()).isEqualTo(200));
  }

  @Test
  void moreScrapesThanCanWaitAreSentAway() throws Exception {
    CountDownLatch release = new CountDownLatch(1);
    CountDownLatch rendering = new CountDownLatch(1);
    HttpConfig config = HttpConfig.listen("127.0.0.1", 0).withRendering(1, 1);
    OneNioFrontend http =
        OneNioFrontend.start(
            config,
            () -> {
              rendering.countDown();
              awaitUninterruptibly(release);
              return Samples.hostile();
            },
            Readiness.Ready::new);
    open.add(http);
    String scrape = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";
    RawClient first = new RawClient(http.address());
    RawClient second = new RawClient(http.address());
    RawClient third = new RawClient(http.address());
    open.addAll(List.of(first, second, third));
    first.send(scrape);
    rendering.await();
    // what is answered on the selector thread tells that it has taken the scrape before it
    second.send(scrape);
    third.send(Running.GET);
    assertThat(third.answer().status()).isEqualTo(200);

    await()
        .untilAsserted(
            () -> {
              try (RawClient busy = new RawClient(http.address())) {
                Answer answer = busy.send(scrape).answerHead();
                assertThat(answer.status()).isEqualTo(503);
                assertThat(answer.header("Retry-After")).isNotEmpty();
              }
            });
    release.countDown();
    assertThat(first.answer().status()).isEqualTo(200);
    assertThat(second.answer().status()).isEqualTo(200);
  }

  @Test
  void aGoodClientGetsItsScrapeThroughAllOfThat() throws Exception {
    Running server = server();
    List<String> attacks =
        List.of(
            START + "Transfer-Encoding: chunked\r\n" + SMUGGLED,
            "\u0016\u0003\u0001\u0002\u0000",
            "GET /" + "a".repeat(50_000),
            START + "X: y\r\n".repeat(500),
            "GET /metrics HTTP/1.1\r\nHost: x\r\n",
            "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n".repeat(20),
            "");
    CountDownLatch enough = new CountDownLatch(1);
    List<Thread> attackers = new ArrayList<>();
    for (String attack : attacks) {
      attackers.add(
          Thread.ofVirtual()
              .start(
                  () -> {
                    while (enough.getCount() > 0) {
                      try (RawClient c = server.raw()) {
                        c.send(attack);
                        enough.await(5, TimeUnit.MILLISECONDS);
                      } catch (IOException | InterruptedException e) {
                        // thrown out; try again
                      }
                    }
                  }));
    }
    for (int i = 0; i < 50; i++) {
      assertThat(server.get("/metrics").statusCode()).isIn(200, 503);
      assertThat(server.get("/healthz").statusCode()).isEqualTo(200);
    }
    enough.countDown();
    for (Thread t : attackers) {
      t.join();
    }
    await().until(() -> server.http.stats().connections() == 0);
    assertThat(server.get("/metrics").statusCode()).isEqualTo(200);
  }

  @Test
  void aThrowingSupplierIsAnInternalErrorAndNoMore() throws Exception {
    OneNioFrontend http =
        OneNioFrontend.start(
            HttpConfig.listen("127.0.0.1", 0),
            () -> {
              throw new IllegalStateException("a bug, for the test");
            },
            () -> {
              throw new IllegalStateException("another bug, for the test");
            });
    open.add(http);
    RawClient client = new RawClient(http.address());
    open.add(client);
    for (String path : List.of("/metrics", "/readyz")) {
      client.send("GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n");
      assertThat(client.answer().status()).isEqualTo(500);
    }
    assertThat(client.send(Running.GET).answer().status()).isEqualTo(200);
  }

  private record OneShot(Answer answer, boolean ended) {}

  private OneShot oneShot(Running server, String bytes) throws IOException {
    RawClient client = client(server);
    client.send(bytes);
    Answer answer = client.answer();
    return new OneShot(answer, client.ended());
  }

  private void refused(Running server, String bytes, int status, Rejection why) throws IOException {
    long before = server.rejected(why);
    OneShot refused = oneShot(server, bytes);
    assertThat(refused.answer.status()).as(bytes).isEqualTo(status);
    assertThat(refused.answer.header("Connection")).isEqualTo("close");
    assertThat(refused.ended).as("one answer only").isTrue();
    assertThat(server.rejected(why)).isEqualTo(before + 1);
  }

  private Running server() throws IOException {
    return running(HttpConfig.listen("127.0.0.1", 0));
  }

  private Running running(HttpConfig config) throws IOException {
    Running server = new Running(config);
    open.add(server);
    return server;
  }

  private RawClient client(Running server) throws IOException {
    RawClient client = server.raw();
    open.add(client);
    return client;
  }

  private static void awaitUninterruptibly(CountDownLatch latch) {
    try {
      latch.await(Duration.ofSeconds(20).toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
