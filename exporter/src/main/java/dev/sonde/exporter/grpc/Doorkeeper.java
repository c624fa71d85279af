package dev.sonde.exporter.grpc;

import dev.sonde.exporter.access.Access;
import dev.sonde.exporter.access.Denial;
import io.grpc.Grpc;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import io.grpc.health.v1.HealthGrpc;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.SSLSession;
import org.jspecify.annotations.Nullable;

/** Lets calls in that show a token or came over a connection with a verified certificate. */
final class Doorkeeper implements ServerInterceptor {
  private static final Metadata.Key<String> AUTHORIZATION =
      Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);

  private final Access access;

  Doorkeeper(Access access) {
    this.access = access;
  }

  @Override
  public <Q, A> ServerCall.Listener<Q> interceptCall(
      ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
    String authorization = headers.get(AUTHORIZATION);
    // A prober has no credentials, and learns no more than it does at /readyz.
    if (HealthGrpc.SERVICE_NAME.equals(call.getMethodDescriptor().getServiceName())
        || access.allows(authorization, certified(call))) {
      return next.startCall(call, headers);
    }
    access
        .grpc()
        .count(
            Denial.UNAUTHORIZED,
            client(call.getAttributes().get(Grpc.TRANSPORT_ATTR_REMOTE_ADDR)),
            authorization == null ? "no credentials" : "unknown token");
    call.close(
        Status.UNAUTHENTICATED.withDescription(
            "a token is needed (authorization: Bearer ...), or a client certificate"),
        new Metadata());
    return new ServerCall.Listener<>() {};
  }

  private static boolean certified(ServerCall<?, ?> call) {
    SSLSession session = call.getAttributes().get(Grpc.TRANSPORT_ATTR_SSL_SESSION);
    try {
      return session != null && session.getPeerCertificates().length > 0;
    } catch (SSLPeerUnverifiedException e) {
      return false;
    }
  }

  private static String client(@Nullable SocketAddress at) {
    return at instanceof InetSocketAddress inet && inet.getAddress() != null
        ? inet.getAddress().getHostAddress()
        : "a client";
  }
}
