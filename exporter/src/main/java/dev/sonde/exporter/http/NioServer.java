package dev.sonde.exporter.http;

import dev.sonde.exporter.access.Access;
import dev.sonde.exporter.access.Denial;
import dev.sonde.exporter.model.Readiness;
import dev.sonde.exporter.model.Snapshot;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.cert.CertPathValidatorException;
import java.security.cert.CertificateException;
import java.time.Duration;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Supplier;
import java.util.logging.Level;
import java.util.logging.Logger;
import javax.net.ssl.SSLException;
import one.nio.net.Session;
import one.nio.net.Socket;
import one.nio.server.AcceptorConfig;
import one.nio.server.RejectedSessionException;
import one.nio.server.Server;
import one.nio.server.ServerConfig;
import org.jspecify.annotations.Nullable;

/**
 * One-nio's acceptor and selector with our connections.
 *
 * <p>Its clean-up thread and its MXBeans are left off: the first cannot answer 408 and sweeps only
 * by the second, the second costs the start 60 ms of JMX.
 */
final class NioServer extends Server {
  static final byte[] CONTINUE =
      "HTTP/1.1 100 Continue\r\n\r\n".getBytes(StandardCharsets.ISO_8859_1);

  /** So many connections above the cap may linger to read their 503; further ones are just cut. */
  private static final int LINGERERS = 64;

  private volatile HttpConfig config;
  private final Access access;
  private final Scrapes scrapes;
  private final Pages pages;
  private final Set<Connection> connections = ConcurrentHashMap.newKeySet();
  private final AtomicInteger serving = new AtomicInteger();
  private final EnumMap<Rejection, LongAdder> rejected = new EnumMap<>(Rejection.class);
  private final ScheduledExecutorService sweeper =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().daemon().name("sonde-http-sweeper").factory());

  /** Binds; {@link #start} serves. */
  NioServer(
      HttpConfig config,
      int port,
      Access access,
      Supplier<@Nullable Snapshot> newest,
      Supplier<Readiness> readiness)
      throws IOException {
    super(transport(config, port));
    this.config = config;
    this.access = access;
    this.scrapes = new Scrapes(config, newest);
    this.pages = new Pages(readiness);
    for (Rejection r : Rejection.values()) {
      rejected.put(r, new LongAdder());
    }
  }

  private static ServerConfig transport(HttpConfig config, int port) {
    AcceptorConfig acceptor = new AcceptorConfig();
    acceptor.address = config.host();
    acceptor.port = port;
    acceptor.tcpFastOpen = false;
    ServerConfig server = new ServerConfig();
    server.acceptors = new AcceptorConfig[] {acceptor};
    server.selectors = 1; // it only moves bytes
    server.selectorThreadNameFormat = "sonde-http-%d";
    return server;
  }

  @Override
  public synchronized void start() {
    selectors[0].setDaemon(true);
    selectors[0].setUncaughtExceptionHandler(this::selectorEnded);
    selectors[0].start();
    acceptor.start();
    long period = Math.clamp(config.deadlines().header().toMillis() / 4, 20, 1000);
    var _ = sweeper.scheduleWithFixedDelay(this::sweep, period, period, TimeUnit.MILLISECONDS);
  }

  /**
   * One-nio's selector throws when it is closed under its thread; at any other time it is a bug.
   */
  private void selectorEnded(Thread thread, Throwable e) {
    if (selectors[0].selector.isOpen()) {
      log().log(Level.SEVERE, "the HTTP endpoint is dead; restart the agent", e);
    }
  }

  @Override
  public synchronized void stop() {
    sweeper.shutdownNow();
    acceptor.shutdown();
    selectors[0].shutdown();
    connections.forEach(Connection::closeNow);
    scrapes.close();
  }

  void reconfigure(int maxConnections, boolean classic) {
    HttpConfig now = config;
    if (now.rendering().classicHistograms() != classic) {
      scrapes.classicHistograms(classic);
    }
    config = now.withMaxConnections(maxConnections).withClassicHistograms(classic);
  }

  int port() {
    return port;
  }

  boolean awaitScrape(Duration most) {
    return scrapes.awaitFirst(most);
  }

  HttpStats stats() {
    Map<String, Long> counts = new LinkedHashMap<>();
    rejected.forEach((why, n) -> counts.put(why.label(), n.sum()));
    return new HttpStats(
        scrapes.scrapes(), scrapes.seconds(), scrapes.bytes(), counts, connections.size());
  }

  @Override
  public Session createSession(Socket socket) throws RejectedSessionException {
    TlsStream tls = access.encrypted() ? new TlsStream(access.engine()) : null;
    Connection connection = new Connection(socket, this, config, tls);
    if (serving.incrementAndGet() > config.maxConnections()) {
      serving.decrementAndGet();
      count(Rejection.TOO_MANY_CONNECTIONS);
      // Before its handshake a TLS client would not understand.
      if (tls != null || connections.size() >= config.maxConnections() + LINGERERS) {
        throw new RejectedSessionException("too many connections");
      }
      try {
        connection.refuse(
            Rejection.TOO_MANY_CONNECTIONS,
            "more than " + config.maxConnections() + " connections");
      } catch (IOException e) {
        throw new RejectedSessionException("gone");
      }
    }
    connections.add(connection);
    return connection;
  }

  /** Called with the connection's monitor held, on the selector thread or a render thread. */
  void handle(Request request, Connection connection) throws IOException {
    if (!Pages.OPEN.contains(request.path())
        && !access.allows(request.authorization(), connection.certified())) {
      access
          .http()
          .count(
              Denial.UNAUTHORIZED,
              connection.client(),
              request.authorization() == null ? "no credentials" : "unknown token");
      connection.respond(request, Response.unauthorized());
      return;
    }
    boolean scrape =
        request.path().equals("/metrics") && (request.method().equals("GET") || request.isHead());
    if (!scrape) {
      connection.respond(request, page(request));
    } else if (!scrapes.offer(request, connection, this)) {
      count(Rejection.BUSY);
      connection.respond(
          request,
          Response.of(
              Rejection.BUSY,
              config.rendering().queue() + " scrapes are waiting already; scrape less"));
    }
  }

  private Response page(Request request) {
    try {
      return pages.answer(request);
    } catch (RuntimeException e) {
      unexpected(e);
      return internalError();
    }
  }

  /** A handshake failed, or what came was no TLS. */
  void refusedTls(IOException why, String client, boolean established) {
    Denial kind =
        switch (why) {
          case TlsStream.NotTlsException _ -> Denial.PLAIN_TEXT;
          case SSLException e when hasCertificateCause(e) -> Denial.CLIENT_CERTIFICATE;
          default -> Denial.TLS_HANDSHAKE;
        };
    Throwable root = why;
    while (root.getCause() != null) {
      root = root.getCause();
    }
    String detail = (established ? "after the handshake: " : "") + root.getMessage();
    access.http().count(kind, client, detail);
  }

  /** Only the client's certificate is ever verified here. */
  private static boolean hasCertificateCause(Throwable e) {
    for (Throwable t = e; t != null; t = t.getCause()) {
      if (t instanceof CertificateException || t instanceof CertPathValidatorException) {
        return true;
      }
    }
    return false;
  }

  static Response internalError() {
    return Response.text(500, "Internal Server Error", "the agent's log has the reason");
  }

  void count(Rejection why) {
    LongAdder adder = rejected.get(why);
    if (adder != null) {
      adder.increment();
    }
  }

  void closed(Connection connection) {
    if (connections.remove(connection) && !connection.refused()) {
      serving.decrementAndGet();
    }
  }

  void unexpected(Throwable e) {
    log().log(Level.WARNING, "serving a request", e);
  }

  private void sweep() {
    long now = System.nanoTime();
    for (Connection c : connections) {
      c.sweep(now, config);
    }
  }

  /** Not held: a start in which nothing goes wrong does not load {@code java.util.logging}. */
  private static Logger log() {
    return Logger.getLogger(NioServer.class.getName());
  }
}
