package dev.sonde.exporter.grpc;

import dev.sonde.v1.ObserverGrpc;
import io.grpc.Attributes;
import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.ForwardingServerCallListener.SimpleForwardingServerCallListener;
import io.grpc.Grpc;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.ServerTransportFilter;
import io.grpc.Status;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Bounds how many calls of the costly kinds exist at once: large answers, and watches.
 *
 * <p>An answer lives until the client has taken it, and a client may ask and never read. So a call
 * holds its place until all of it went to the socket, or the client is gone; and one connection can
 * hold only some of the places, so that it cannot shut out the others.
 */
final class CallBudget extends ServerTransportFilter implements ServerInterceptor {
  /** The connection of a call. */
  static final Attributes.Key<ClientConnection> CONNECTION =
      Attributes.Key.create("sonde-client-connection");

  /** The same for a service's method. */
  static final Context.Key<ClientConnection> CURRENT = Context.key("sonde-client-connection");

  private final ConnectionCap connections;

  private final List<Kind> kinds =
      List.of(
          new Kind(
              "answers not yet made or not yet read",
              GrpcLimits.ANSWERS,
              GrpcLimits.ANSWERS_PER_CONNECTION,
              c -> c.answers,
              ObserverGrpc.getQueryMethod(),
              ObserverGrpc.getListWorkloadsMethod()),
          new Kind(
              "watches",
              GrpcLimits.WATCHES,
              GrpcLimits.WATCHES_PER_CONNECTION,
              c -> c.watches,
              ObserverGrpc.getWatchEventsMethod()));

  CallBudget(ConnectionCap connections) {
    this.connections = connections;
  }

  @Override
  public Attributes transportReady(Attributes attributes) {
    ClientConnection connection = connections.of(attributes.get(Grpc.TRANSPORT_ATTR_REMOTE_ADDR));
    if (connection == null) {
      return attributes; // closed meanwhile
    }
    connection.established();
    return attributes.toBuilder().set(CONNECTION, connection).build();
  }

  @Override
  public <Q, A> ServerCall.Listener<Q> interceptCall(
      ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
    for (Kind kind : kinds) {
      if (kind.methods.contains(call.getMethodDescriptor().getFullMethodName())) {
        return limited(kind, call, headers, next);
      }
    }
    return next.startCall(call, headers);
  }

  private static <Q, A> ServerCall.Listener<Q> limited(
      Kind kind, ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
    ClientConnection connection = call.getAttributes().get(CONNECTION);
    Place place = connection == null ? null : kind.take(connection);
    if (connection == null || place == null) {
      call.close(Status.RESOURCE_EXHAUSTED.withDescription(kind.exhausted()), new Metadata());
      return new ServerCall.Listener<>() {};
    }
    ServerCall.Listener<Q> listener;
    try {
      listener =
          Contexts.interceptCall(
              Context.current().withValue(CURRENT, connection), call, headers, next);
    } catch (RuntimeException | Error e) {
      place.release();
      throw e;
    }
    return new SimpleForwardingServerCallListener<Q>(listener) {
      @Override
      public void onComplete() {
        // "Complete" means handed to a buffer before the socket.
        connection.whenDrained(place::release);
        super.onComplete();
      }

      @Override
      public void onCancel() {
        connection.whenDrained(place::release);
        super.onCancel();
      }
    };
  }

  /** Methods that share one count. */
  private static final class Kind {
    private final String what;
    private final Semaphore all;
    private final int total;
    private final int perConnection;
    private final Set<String> methods;
    private final Function<ClientConnection, Semaphore> ofConnection;

    Kind(
        String what,
        int total,
        int perConnection,
        Function<ClientConnection, Semaphore> ofConnection,
        MethodDescriptor<?, ?>... methods) {
      this.what = what;
      this.all = new Semaphore(total);
      this.total = total;
      this.perConnection = perConnection;
      this.ofConnection = ofConnection;
      this.methods =
          Stream.of(methods)
              .map(MethodDescriptor::getFullMethodName)
              .collect(Collectors.toUnmodifiableSet());
    }

    @Nullable Place take(ClientConnection connection) {
      Semaphore own = ofConnection.apply(connection);
      if (connection.stalled() || !own.tryAcquire()) {
        return null;
      }
      if (!all.tryAcquire()) {
        own.release();
        return null;
      }
      return new Place(own, all);
    }

    String exhausted() {
      return "too many "
          + what
          + ": at most "
          + perConnection
          + " a connection and "
          + total
          + " in all";
    }
  }

  /** One place of both counts, given back once. */
  private static final class Place {
    private final Semaphore connection;
    private final Semaphore all;
    private final AtomicBoolean held = new AtomicBoolean(true);

    Place(Semaphore connection, Semaphore all) {
      this.connection = connection;
      this.all = all;
    }

    void release() {
      if (held.compareAndSet(true, false)) {
        connection.release();
        all.release();
      }
    }
  }
}
