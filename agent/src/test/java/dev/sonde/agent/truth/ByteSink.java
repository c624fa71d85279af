package dev.sonde.agent.truth;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.concurrent.atomic.AtomicLong;

/** Takes connections on loopback, reads each to its end, and counts the bytes. */
final class ByteSink implements AutoCloseable {
  private final ServerSocket server;
  private final AtomicLong bytes = new AtomicLong();
  private final AtomicLong connections = new AtomicLong();

  private ByteSink(ServerSocket server) {
    this.server = server;
  }

  static ByteSink open() {
    try {
      ServerSocket server = new ServerSocket();
      server.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 1024);
      ByteSink sink = new ByteSink(server);
      Thread.ofPlatform().daemon(true).start(sink::accept);
      return sink;
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private void accept() {
    while (!server.isClosed()) {
      try {
        Socket socket = server.accept();
        Thread.ofVirtual().start(() -> drain(socket));
      } catch (IOException e) {
        return; // closed
      }
    }
  }

  private void drain(Socket socket) {
    try (socket) {
      InputStream in = socket.getInputStream();
      byte[] part = new byte[1 << 16];
      for (int n = in.read(part); n >= 0; n = in.read(part)) {
        bytes.addAndGet(n);
      }
    } catch (IOException reset) {
      // what came before it is counted
    } finally {
      connections.incrementAndGet();
    }
  }

  int port() {
    return server.getLocalPort();
  }

  /** All that was received so far. */
  long bytes() {
    return bytes.get();
  }

  /** Connections that have ended. */
  long connections() {
    return connections.get();
  }

  @Override
  public void close() {
    try {
      server.close();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }
}
