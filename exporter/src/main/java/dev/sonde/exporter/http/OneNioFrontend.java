package dev.sonde.exporter.http;

import dev.sonde.exporter.access.Access;
import dev.sonde.exporter.model.Readiness;
import dev.sonde.exporter.model.Snapshot;
import java.io.IOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The endpoint on one-nio.
 *
 * <pre>{@code
 * try (HttpFrontend http =
 *     OneNioFrontend.start(HttpConfig.listen("127.0.0.1", 9520), pipeline::newest, pipeline::readiness)) {
 *   ...
 * }
 * }</pre>
 *
 * <p>Threads: one accepts, one moves bytes, two render (they end after a minute without a scrape),
 * one sweeps; all daemons but the acceptor. The suppliers are called on them, must not block, and
 * must not throw.
 */
public final class OneNioFrontend implements HttpFrontend {
  private static final int FREE_PORT_ATTEMPTS = 20;

  private final NioServer server;
  private final InetSocketAddress address;
  private final AtomicBoolean closed = new AtomicBoolean();

  private OneNioFrontend(NioServer server, InetSocketAddress address) {
    this.server = server;
    this.address = address;
  }

  /** Listens and serves everybody, in plain text. */
  public static OneNioFrontend start(
      HttpConfig config, Supplier<@Nullable Snapshot> newest, Supplier<Readiness> readiness)
      throws ListenException {
    return start(config, Access.open(), newest, readiness);
  }

  /**
   * Listens and serves.
   *
   * @param access whom; {@code /healthz} and {@code /readyz} are for everybody
   * @param newest the newest snapshot, null before the first
   * @throws ListenException if the address cannot be had
   */
  public static OneNioFrontend start(
      HttpConfig config,
      Access access,
      Supplier<@Nullable Snapshot> newest,
      Supplier<Readiness> readiness)
      throws ListenException {
    Silence.oneNio();
    int port = config.port();
    for (int attempt = 1; ; attempt++) {
      try {
        InetAddress host = InetAddress.getByName(config.host());
        int chosen = port == 0 ? freePort(host) : port;
        NioServer server = new NioServer(config, chosen, access, newest, readiness);
        server.start();
        return new OneNioFrontend(server, new InetSocketAddress(host, server.port()));
      } catch (BindException e) {
        // one-nio does not tell which port it got for 0, so a free one may be taken meanwhile
        if (port != 0 || attempt == FREE_PORT_ATTEMPTS) {
          throw new ListenException(config.host(), port, e);
        }
      } catch (IOException e) {
        throw new ListenException(config.host(), port, e);
      }
    }
  }

  private static int freePort(InetAddress host) throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, host)) {
      return socket.getLocalPort();
    }
  }

  @Override
  public InetSocketAddress address() {
    return address;
  }

  @Override
  public boolean awaitScrape(Duration most) {
    return server.awaitScrape(most);
  }

  @Override
  public HttpStats stats() {
    return server.stats();
  }

  @Override
  public void reconfigure(int maxConnections, boolean classicHistograms) {
    server.reconfigure(maxConnections, classicHistograms);
  }

  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      server.stop();
    }
  }
}
