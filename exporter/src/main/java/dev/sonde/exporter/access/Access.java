package dev.sonde.exporter.access;

import java.net.Socket;
import java.security.KeyManagementException;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLParameters;
import org.jspecify.annotations.Nullable;

/**
 * What a client must show, and what we show: asked by the endpoints at every connection and
 * request, replaced as files rotate.
 *
 * {@snippet :
 * Access access = Access.of(Optional.of(certificates), Optional.of(Tokens.parse(text)));
 * OneNioFrontend.start(config, access, newest, readiness);
 * access.replace(Tokens.parse(newText));     // from the next request on
 * }
 *
 * <p>A request is let in by any one of: a known token, a verified client certificate, or neither of
 * the two being configured. TLS alone therefore hides what is read and from whom, and lets anyone
 * read. Connections that stand keep their certificates; tokens are asked at each request.
 *
 * <p>Any thread may call.
 */
public final class Access {
  private static final String BEARER = "bearer ";

  private final Denials http = new Denials("http");
  private final Denials grpc = new Denials("grpc");
  private volatile @Nullable Secured tls;
  private volatile @Nullable Tokens tokens;

  private final RefusedCertificates refusedCertificate = new RefusedCertificates();

  private record Secured(SSLContext context, boolean clients) {}

  private Access(@Nullable Secured tls, @Nullable Tokens tokens) {
    this.tls = tls;
    this.tokens = tokens;
  }

  /** Everybody, in plain text: for loopback, and where something else guards the port. */
  public static Access open() {
    return new Access(null, null);
  }

  /**
   * @throws CertificateException the JDK refuses the key or the certificates
   */
  public static Access of(Optional<Certificates> tls, Optional<Tokens> tokens)
      throws CertificateException {
    Access access = new Access(null, tokens.orElse(null));
    if (tls.isPresent()) {
      access.replace(tls.get());
    }
    return access;
  }

  /** Other tokens from now on. */
  public void replace(Tokens newer) {
    tokens = newer;
    rearm();
  }

  /**
   * Other certificates, for connections from now on.
   *
   * @throws CertificateException the JDK refuses them; the old ones stay
   */
  public void replace(Certificates newer) throws CertificateException {
    try {
      tls = new Secured(newer.context(refusedCertificate), newer.verifiesClients());
    } catch (KeyManagementException e) {
      throw new CertificateException("TLS: " + e.getMessage());
    }
    rearm();
  }

  private void rearm() {
    http.rearm();
    grpc.rearm();
  }

  /** Whether the ports speak TLS; that does not change while they are open. */
  public boolean encrypted() {
    return tls != null;
  }

  /** A server's side of one connection; only if {@link #encrypted}. */
  public SSLEngine engine() {
    Secured now = Objects.requireNonNull(tls, "encrypted");
    SSLEngine engine = now.context().createSSLEngine();
    engine.setUseClientMode(false);
    engine.setSSLParameters(parameters(engine.getSSLParameters(), now.clients()));
    return engine;
  }

  /** The TLS of now, for transports that make their own sockets; only if {@link #encrypted}. */
  public SSLContext context() {
    return Objects.requireNonNull(tls, "encrypted").context();
  }

  /** What {@link #engine} sets, for a socket. */
  public SSLParameters parameters(SSLParameters from) {
    return parameters(from, Objects.requireNonNull(tls, "encrypted").clients());
  }

  private static SSLParameters parameters(SSLParameters from, boolean clients) {
    from.setProtocols(new String[] {"TLSv1.3", "TLSv1.2"});
    // Wanted, not needed: a probe of the kubelet has no certificate and may see /healthz.
    from.setWantClientAuth(clients);
    from.setUseCipherSuitesOrder(true);
    return from;
  }

  /**
   * Whether this request may read.
   *
   * @param authorization the header's value, null without one
   * @param certified whether the connection has a verified client certificate
   */
  public boolean allows(@Nullable String authorization, boolean certified) {
    Tokens known = tokens;
    Secured now = tls;
    boolean verifies = now != null && now.clients();
    if (known == null && !verifies) {
      return true;
    }
    if (verifies && certified) {
      return true;
    }
    return known != null
        && authorization != null
        && authorization.regionMatches(true, 0, BEARER, 0, BEARER.length())
        && known.knows(authorization.substring(BEARER.length()).strip());
  }

  /**
   * Who is told of the socket whose client's certificate is refused; for transports with sockets.
   */
  public void onRefusedCertificate(Consumer<Socket> listener) {
    refusedCertificate.listener = listener;
  }

  private static final class RefusedCertificates implements Consumer<Socket> {
    private volatile Consumer<Socket> listener = socket -> {};

    @Override
    public void accept(Socket socket) {
      listener.accept(socket);
    }
  }

  /** Who was turned away at the HTTP port. */
  public Denials http() {
    return http;
  }

  /** Who was turned away at the gRPC port. */
  public Denials grpc() {
    return grpc;
  }
}
