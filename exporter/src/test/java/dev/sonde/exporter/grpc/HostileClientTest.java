package dev.sonde.exporter.grpc;

import static dev.sonde.exporter.grpc.GrpcFixture.LIST;
import static dev.sonde.exporter.grpc.GrpcFixture.QUERY;
import static dev.sonde.exporter.grpc.GrpcFixture.WATCH;
import static dev.sonde.exporter.grpc.GrpcFixture.WEB;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Whatever one client does, the others are served: the well-behaved one sees no difference. */
class HostileClientTest {
  private static final int LARGE_WINDOW = 1 << 30;

  /** As many calls are more bytes than all buffers on the way hold. */
  private static final int ENDLESS = 2_000_000;

  private final GrpcFixture it;
  private final GenericGrpcClient.Stream goodWatch;

  HostileClientTest() throws GrpcStartException {
    it = new GrpcFixture();
    goodWatch = it.client.stream(WATCH, "{}");
  }

  @BeforeEach
  void begin() throws Exception {
    assertThat(goodWatch.next()).isNotNull();
  }

  @AfterEach
  void othersAreUnharmed() throws Exception {
    try (it;
        GenericGrpcClient newcomer = it.newClient()) {
      assertThat(it.client.call(QUERY, "{}")).isNotNull();
      assertThat(newcomer.call(LIST, "{}")).isNotNull();
      it.publish(WEB);
      readAlong(goodWatch);
      try (GenericGrpcClient.Stream newWatch = newcomer.stream(WATCH, "{}")) {
        assertThat(newWatch.next()).isNotNull();
      }
    }
  }

  /** Reads up to the newest event, none of which may be missing. */
  private void readAlong(GenericGrpcClient.Stream watch) throws InterruptedException {
    String newest = "sequence: " + it.hub.newestSequence() + "\n";
    String message;
    do {
      message = String.valueOf(watch.next());
      assertThat(message).startsWith("event {");
    } while (!message.contains(newest));
  }

  private Socket connect() throws IOException {
    return new Socket(InetAddress.ofLiteral("127.0.0.1"), it.port());
  }

  /** Sends bytes that are no HTTP/2 and waits until the server has closed the connection. */
  private void sendUntilClosed(byte[] bytes) throws IOException {
    try (Socket s = connect()) {
      s.getOutputStream().write(bytes);
      s.getOutputStream().flush();
      while (s.getInputStream().read() >= 0) {
        // Until the end: the test hangs if the server keeps such a connection.
      }
    } catch (IOException e) {
      // A reset is an end too.
    }
  }

  @Test
  void garbageEndsItsConnection() throws Exception {
    byte[] garbage = new byte[100_000];
    new Random(1).nextBytes(garbage);
    for (int i = 0; i < 2 * GrpcLimits.CONNECTIONS; i++) {
      sendUntilClosed(garbage);
    }
    sendUntilClosed("GET / HTTP/1.1\r\nHost: sonde\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
    // A TLS hello.
    sendUntilClosed(
        new byte[] {
          0x16, 3, 1, 2, 0, 1, 0, 1, (byte) 0xfc, 3, 3, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9
        });
  }

  @Test
  void aHugeRequestIsRefused() throws Exception {
    String huge = "x".repeat(GrpcLimits.REQUEST_BYTES);
    assertThatThrownBy(() -> it.client.call(QUERY, "{\"metrics\":[\"" + huge + "\"]}"))
        .as("grpc-okhttp resets such a stream and gives no reason")
        .isInstanceOf(StatusRuntimeException.class)
        .hasMessageContaining("INTERNAL");
    // Announces 2 GB and begins to send them.
    try (RawHttp2 raw = new RawHttp2(it.port(), LARGE_WINDOW)) {
      raw.open(1, QUERY);
      raw.data(1, ByteBuffer.allocate(1000).put((byte) 0).putInt(Integer.MAX_VALUE).array());
      raw.flush();
      RawHttp2.Frame end;
      do {
        end = raw.read();
      } while (end.stream() != 1);
      assertThat(end.endsCall()).isTrue();
    }
  }

  @Test
  void aRequestThatUsesEveryLimitIsSmallEnough() {
    StringBuilder json = new StringBuilder("{\"metrics\":[");
    for (int i = 0; i < GrpcLimits.METRICS; i++) {
      json.append(i == 0 ? "" : ",").append('"').append("m".repeat(GrpcLimits.METRIC_LENGTH));
      json.append('"');
    }
    json.append("],\"matchers\":[");
    for (int i = 0; i < GrpcLimits.MATCHERS; i++) {
      json.append(i == 0 ? "" : ",").append("{\"label\":\"");
      json.append("l".repeat(GrpcLimits.LABEL_LENGTH)).append("\",\"equal\":\"");
      json.append("€".repeat(GrpcLimits.VALUE_LENGTH)).append("\"}");
    }
    assertThat(it.client.call(QUERY, json.append("]}").toString())).isNotNull();
  }

  @Test
  void oneThousandPoliteStreamsWaitForTheirTurn() throws Exception {
    List<GenericGrpcClient.Stream> streams = new ArrayList<>();
    try (GenericGrpcClient greedy = it.newClient()) {
      for (int i = 0; i < 1000; i++) {
        streams.add(greedy.stream(WATCH, "{}"));
      }
      await().until(() -> it.hub.subscribers() == 1 + GrpcLimits.WATCHES_PER_CONNECTION);
      // The rest was told so, in the order of the connection's turns.
      await().until(() -> streams.stream().filter(s -> s.waiting() > 0).count() == 1000);
      assertThat(it.hub.subscribers()).isEqualTo(1 + GrpcLimits.WATCHES_PER_CONNECTION);
    }
    await().until(() -> it.hub.subscribers() == 1);
  }

  @Test
  void oneThousandRudeStreamsAreRefused() throws Exception {
    try (RawHttp2 raw = new RawHttp2(it.port(), LARGE_WINDOW)) {
      for (int i = 0; i < 1000; i++) {
        raw.open(2 * i + 1, WATCH);
      }
      raw.flush();
      int refused = 0;
      while (refused < 1000 - GrpcLimits.CALLS_PER_CONNECTION) {
        refused += raw.read().type() == RawHttp2.RST_STREAM ? 1 : 0;
      }
    }
  }

  @Test
  void callsThatAreResetAtOnceFillNoQueue() throws Exception {
    try (RawHttp2 raw = new RawHttp2(it.port(), LARGE_WINDOW)) {
      for (int i = 0; i < 50_000; i++) {
        raw.call(2 * i + 1, i % 2 == 0 ? QUERY : WATCH);
        raw.reset(2 * i + 1);
      }
      raw.flush();
    } catch (IOException e) {
      // The server may have had enough.
    }
    await().until(() -> it.hub.subscribers() == 1);
  }

  @Test
  void answersThatNobodyReadsAreFew() throws Exception {
    it.snapshot = GrpcFixture.largeSnapshot(5_000);
    try (RawHttp2 raw = new RawHttp2(it.port(), 0)) {
      int calls = GrpcLimits.CALLS_PER_CONNECTION;
      for (int i = 0; i < calls; i++) {
        raw.call(2 * i + 1, QUERY);
      }
      raw.flush();
      int refused = 0;
      while (refused < calls - GrpcLimits.ANSWERS_PER_CONNECTION) {
        refused += raw.read().endsCall() ? 1 : 0;
      }
      assertThat(it.client.call(QUERY, "{}")).isNotNull();
    }
    it.snapshot = GrpcFixture.smallSnapshot();
  }

  @Test
  void answersWithoutEndToASocketThatNobodyReadsAreFewToo() throws Exception {
    it.snapshot = GrpcFixture.largeSnapshot(5_000);
    try (RawHttp2 raw = new RawHttp2(it.port(), LARGE_WINDOW)) {
      raw.openConnectionWindow();
      // Asks until the server no longer listens, so that this side's buffers are full too, or
      // until it has had enough of streams beyond its limit and closes.
      AtomicInteger asked = new AtomicInteger();
      Thread.ofPlatform()
          .daemon()
          .start(
              () -> {
                try {
                  while (asked.get() < ENDLESS) {
                    raw.call(2 * asked.getAndIncrement() + 1, QUERY);
                  }
                } catch (IOException e) {
                  // Closed, by the server or below.
                }
              });
      for (int i = 0; i < 20; i++) {
        assertThat(it.client.call(QUERY, "{}")).isNotNull();
      }
      assertThat(asked).hasValueLessThan(ENDLESS);
    }
    it.snapshot = GrpcFixture.smallSnapshot();
  }

  @Test
  void aWatcherThatNeverReadsItsSocketHoldsUpNobody() throws Exception {
    try (RawHttp2 raw = new RawHttp2(it.port(), LARGE_WINDOW);
        GenericGrpcClient otherClient = it.newClient();
        GenericGrpcClient.Stream other = otherClient.stream(WATCH, "{}")) {
      raw.openConnectionWindow();
      raw.call(1, WATCH);
      raw.flush();
      await().until(() -> it.hub.subscribers() == 3);
      assertThat(other.next()).isNotNull();
      // 10 MB of messages: more than all buffers on the way.
      for (int i = 1; i <= 100_000; i++) {
        it.publish(WEB);
        if (i % 1000 == 0) {
          readAlong(goodWatch);
          readAlong(other);
        }
      }
      assertThat(it.hub.lost()).as("by the silent one").isPositive();
    }
    await().until(() -> it.hub.subscribers() == 1);
  }

  @Test
  void silentConnectionsAreHeldInNumber() throws Exception {
    List<Socket> silent = new ArrayList<>();
    try {
      for (int i = 1; i < GrpcLimits.CONNECTIONS; i++) {
        silent.add(connect());
      }
      // The good client is the first, so this one is too many.
      try (Socket tooMany = connect()) {
        assertThat(tooMany.getInputStream().read()).isEqualTo(-1);
      }
      assertThat(it.client.call(QUERY, "{}")).isNotNull();
    } finally {
      for (Socket s : silent) {
        s.close();
      }
    }
    // The server notices the closed ones in its own time.
    await()
        .ignoreException(StatusRuntimeException.class)
        .until(
            () -> {
              try (GenericGrpcClient next = it.newClient()) {
                return next.call(LIST, "{}") != null;
              }
            });
  }
}
