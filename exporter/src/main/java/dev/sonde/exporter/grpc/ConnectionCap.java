package dev.sonde.exporter.grpc;

import dev.sonde.exporter.access.Access;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketAddress;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ServerSocketFactory;
import org.jspecify.annotations.Nullable;

/**
 * Server sockets that hold at most so many connections at once.
 *
 * <p>grpc-okhttp has two traps of its own here: every connection has threads of its own, and any
 * number of connections is accepted; and its accept loop ends for ever at the first failed accept,
 * so that one moment without free file descriptors would leave the server deaf.
 */
final class ConnectionCap extends ServerSocketFactory implements AutoCloseable {
  /** After a failed accept: long enough not to spin, short enough for nobody to notice. */
  private static final long BACKOFF_MILLIS = 50;

  /** The TLS library tells its reasons to nobody but the client. */
  private static final String DETAILS = "the connection ended before TLS was established";

  private final int max;
  private final Access access;
  private final AtomicInteger open = new AtomicInteger();
  private final Map<SocketAddress, ClientConnection> connections = new ConcurrentHashMap<>();
  private @Nullable ServerSocket bound;

  ConnectionCap(int max) {
    this(max, Access.open());
  }

  /**
   * @param access told of connections that end before a handshake succeeded
   */
  ConnectionCap(int max, Access access) {
    this.max = max;
    this.access = access;
  }

  /** The connection of a client; null once it is closed. */
  @Nullable ClientConnection of(@Nullable SocketAddress client) {
    return client == null ? null : connections.get(client);
  }

  private void left(ClientConnection connection) {
    open.decrementAndGet();
    connection.denial().ifPresent(why -> access.grpc().count(why, connection.client(), DETAILS));
    var _ = connections.values().remove(connection);
  }

  /** How many connections there are. */
  int open() {
    return open.get();
  }

  /**
   * Binds the socket that {@link #createServerSocket()} hands out: clients may connect and wait.
   *
   * @return where, with the real port
   */
  InetSocketAddress listen(InetSocketAddress address) throws IOException {
    ServerSocket socket = new CappedServerSocket();
    try {
      socket.bind(address);
    } catch (IOException | RuntimeException e) {
      socket.close();
      throw e;
    }
    bound = socket;
    return (InetSocketAddress) socket.getLocalSocketAddress();
  }

  @Override
  public ServerSocket createServerSocket() throws IOException {
    return bound == null ? new CappedServerSocket() : bound;
  }

  @Override
  public ServerSocket createServerSocket(int port) {
    throw new UnsupportedOperationException("bind it yourself");
  }

  @Override
  public ServerSocket createServerSocket(int port, int backlog) {
    throw new UnsupportedOperationException("bind it yourself");
  }

  @Override
  public ServerSocket createServerSocket(int port, int backlog, InetAddress address) {
    throw new UnsupportedOperationException("bind it yourself");
  }

  /** Ends listening, if it did. */
  @Override
  public void close() {
    if (bound != null) {
      try {
        bound.close();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  private final class CappedServerSocket extends ServerSocket {
    CappedServerSocket() throws IOException {}

    /** The server binds what it is handed. */
    @Override
    public void bind(SocketAddress endpoint, int backlog) throws IOException {
      if (!isBound()) {
        super.bind(endpoint, backlog);
      }
    }

    @Override
    public Socket accept() throws IOException {
      while (true) {
        ClientConnection socket =
            new ClientConnection(ConnectionCap.this::left, access.encrypted());
        open.incrementAndGet();
        try {
          implAccept(socket);
        } catch (IOException e) {
          socket.close();
          if (isClosed()) {
            throw e;
          }
          backOff(e);
          continue;
        }
        if (open.get() <= max) {
          socket.accepted();
          connections.put(socket.getRemoteSocketAddress(), socket);
          return socket;
        }
        socket.close();
      }
    }

    private static void backOff(IOException failure) throws IOException {
      try {
        Thread.sleep(BACKOFF_MILLIS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw failure;
      }
    }
  }
}
