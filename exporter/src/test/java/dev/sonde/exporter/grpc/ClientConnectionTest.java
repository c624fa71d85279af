package dev.sonde.exporter.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class ClientConnectionTest {
  /** One write of it ends only if the client reads, or if the connection is closed. */
  private static final byte[] MORE_THAN_BUFFERS_HOLD = new byte[64 << 20];

  private final ServerSocket server;
  private final Socket client;
  private final ClientConnection connection;

  ClientConnectionTest() throws IOException {
    server = new ConnectionCap(1).createServerSocket();
    server.bind(GrpcFixture.loopback(0));
    client = new Socket(server.getInetAddress(), server.getLocalPort());
    connection = (ClientConnection) server.accept();
  }

  @AfterEach
  void close() throws IOException {
    client.close();
    connection.close();
    server.close();
  }

  /** What a server's thread does until it fails. */
  private interface Work {
    void run() throws IOException;
  }

  /** The failure's message. */
  private static CompletableFuture<String> start(Work work) {
    CompletableFuture<String> end = new CompletableFuture<>();
    Thread.ofPlatform()
        .daemon()
        .start(
            () -> {
              try {
                while (true) {
                  work.run();
                }
              } catch (IOException e) {
                end.complete(String.valueOf(e.getMessage()));
              }
            });
    return end;
  }

  @Test
  void isSilentTowardsAClientThatDoesNotRead() throws Exception {
    OutputStream out = connection.getOutputStream();
    CompletableFuture<String> writer = start(() -> out.write(MORE_THAN_BUFFERS_HOLD));
    await().until(connection::stalled);

    AtomicInteger read = new AtomicInteger();
    InputStream in = connection.getInputStream();
    client.getOutputStream().write(1);
    CompletableFuture<String> reader = start(() -> read.addAndGet(in.read()));

    // The client reads: the write goes on, and with it the reading.
    CompletableFuture<String> drain = start(() -> client.getInputStream().skipNBytes(1 << 20));
    await().untilAsserted(() -> assertThat(read).hasValue(1));

    connection.close();
    assertThat(writer.get()).isNotEmpty();
    assertThat(reader.get()).isNotEmpty();
    assertThat(drain.get()).isNotNull();
  }

  @Test
  void readsNothingWhileAWriteWaitsAndClosingEndsBoth() throws Exception {
    OutputStream out = connection.getOutputStream();
    CompletableFuture<String> writer = start(() -> out.write(MORE_THAN_BUFFERS_HOLD));
    await().until(connection::stalled);
    InputStream in = connection.getInputStream();
    client.getOutputStream().write(1);
    CompletableFuture<String> reader = start(in::read);
    await().until(() -> in.available() == 1);
    connection.close();
    assertThat(writer.get()).isNotEmpty();
    assertThat(reader.get()).as("it has not read the byte").contains("closed while a write");
  }

  @Test
  void tellsWhenAllWasSent() throws Exception {
    AtomicInteger told = new AtomicInteger();
    connection.whenDrained(told::incrementAndGet);
    assertThat(told).as("nothing is being sent").hasValue(1);

    OutputStream out = connection.getOutputStream();
    out.write(1);
    connection.whenDrained(told::incrementAndGet);
    assertThat(told).hasValue(1);
    out.flush();
    assertThat(told).hasValue(2);

    out.write(1);
    connection.whenDrained(told::incrementAndGet);
    connection.close();
    assertThat(told).hasValue(3);
    connection.whenDrained(told::incrementAndGet);
    assertThat(told).hasValue(4);
  }
}
