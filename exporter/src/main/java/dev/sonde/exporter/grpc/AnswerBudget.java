package dev.sonde.exporter.grpc;

import dev.sonde.v1.ObserverGrpc;
import io.grpc.Attributes;
import io.grpc.ForwardingServerCallListener.SimpleForwardingServerCallListener;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.ServerTransportFilter;
import io.grpc.Status;
import java.util.Set;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * Bounds how many large answers exist at once.
 *
 * <p>An answer lives until the client has taken it, and a client may ask and never read. So a call
 * holds its place until the transport says that all of it was sent, and one connection can hold
 * only some of the places.
 */
final class AnswerBudget implements ServerInterceptor {
  private static final Attributes.Key<Semaphore> OF_CONNECTION =
      Attributes.Key.create("sonde-answers-of-connection");

  private static final Set<String> LARGE =
      Set.of(
          ObserverGrpc.getQueryMethod().getFullMethodName(),
          ObserverGrpc.getListWorkloadsMethod().getFullMethodName());

  private final Semaphore all = new Semaphore(GrpcLimits.ANSWERS);

  /** Gives each connection a count of its own. */
  static final class PerConnection extends ServerTransportFilter {
    @Override
    public Attributes transportReady(Attributes attributes) {
      return attributes.toBuilder()
          .set(OF_CONNECTION, new Semaphore(GrpcLimits.ANSWERS_PER_CONNECTION))
          .build();
    }
  }

  @Override
  public <Q, A> ServerCall.Listener<Q> interceptCall(
      ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
    if (!LARGE.contains(call.getMethodDescriptor().getFullMethodName())) {
      return next.startCall(call, headers);
    }
    Place place = take(call.getAttributes().get(OF_CONNECTION));
    if (place == null) {
      call.close(
          Status.RESOURCE_EXHAUSTED.withDescription(
              "too many answers are being made or not yet read (at most "
                  + GrpcLimits.ANSWERS_PER_CONNECTION
                  + " a connection, "
                  + GrpcLimits.ANSWERS
                  + " in all); read them and try again"),
          new Metadata());
      return new ServerCall.Listener<>() {};
    }
    ServerCall.Listener<Q> listener;
    try {
      listener = next.startCall(call, headers);
    } catch (RuntimeException | Error e) {
      place.release();
      throw e;
    }
    return new SimpleForwardingServerCallListener<Q>(listener) {
      @Override
      public void onComplete() {
        place.release();
        super.onComplete();
      }

      @Override
      public void onCancel() {
        place.release();
        super.onCancel();
      }
    };
  }

  private @Nullable Place take(@Nullable Semaphore connection) {
    if (connection == null || !connection.tryAcquire()) {
      return null;
    }
    if (!all.tryAcquire()) {
      connection.release();
      return null;
    }
    return new Place(connection, all);
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
