package dev.sonde.exporter.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

class ConnectionCapTest {
  private final ConnectionCap cap = new ConnectionCap(2);

  private ServerSocket listen() throws IOException {
    ServerSocket server = cap.createServerSocket();
    server.bind(GrpcFixture.loopback(0));
    return server;
  }

  private static Socket connect(ServerSocket server) throws IOException {
    return new Socket(server.getInetAddress(), server.getLocalPort());
  }

  @Test
  void closesWhatIsTooManyAndTakesTheNextWhenOneIsGone() throws Exception {
    try (ServerSocket server = listen();
        Socket a = connect(server);
        Socket b = connect(server);
        Socket tooMany = connect(server)) {
      Socket first = server.accept();
      Socket second = server.accept();
      assertThat(List.of(a.getLocalPort(), b.getLocalPort()))
          .containsExactly(first.getPort(), second.getPort());
      CompletableFuture<Socket> next = new CompletableFuture<>();
      Thread.ofPlatform()
          .daemon()
          .start(
              () -> {
                try {
                  next.complete(server.accept());
                } catch (IOException e) {
                  next.completeExceptionally(e);
                }
              });
      assertThat(tooMany.getInputStream().read()).isEqualTo(-1);
      first.close();
      first.close();
      try (Socket c = connect(server);
          Socket acceptedC = next.get()) {
        assertThat(acceptedC.getPort()).isEqualTo(c.getLocalPort());
      }
      second.close();
    }
    assertThat(cap.open()).isZero();
  }

  @Test
  void aFailedAcceptIsTriedAgain() throws Exception {
    try (ServerSocket server = listen()) {
      server.setSoTimeout(1); // each accept fails until there is a connection
      CompletableFuture<Socket> accepted = new CompletableFuture<>();
      CompletableFuture<Void> begun = new CompletableFuture<>();
      Thread.ofPlatform()
          .daemon()
          .start(
              () -> {
                try {
                  begun.complete(null);
                  accepted.complete(server.accept());
                } catch (IOException e) {
                  accepted.completeExceptionally(e);
                }
              });
      begun.get();
      try (Socket client = connect(server);
          Socket s = accepted.get()) {
        assertThat(s.getPort()).isEqualTo(client.getLocalPort());
      }
    }
    assertThat(cap.open()).isZero();
  }

  @Test
  void closingEndsAccept() throws Exception {
    ServerSocket server = listen();
    server.close();
    assertThatThrownBy(server::accept).isInstanceOf(SocketException.class);
    assertThat(cap.open()).isZero();
  }
}
