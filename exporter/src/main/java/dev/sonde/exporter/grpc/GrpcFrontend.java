package dev.sonde.exporter.grpc;

import dev.sonde.exporter.access.Access;
import dev.sonde.exporter.events.EventHub;
import dev.sonde.exporter.model.Readiness;
import dev.sonde.exporter.model.Snapshot;
import io.grpc.InsecureServerCredentials;
import io.grpc.Server;
import io.grpc.ServerCredentials;
import io.grpc.okhttp.OkHttpServerBuilder;
import io.grpc.okhttp.SslSocketFactoryServerCredentials;
import io.grpc.protobuf.services.ProtoReflectionServiceV1;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * The agent's gRPC server: {@code sonde.v1.Observer}, {@code grpc.health.v1.Health} and reflection.
 *
 * <pre>{@code
 * try (GrpcFrontend grpc =
 *     GrpcFrontend.start(new InetSocketAddress("127.0.0.1", 9521), inputs)) {
 *   System.out.println("gRPC on " + grpc.address());
 *   ...
 * }
 * }</pre>
 *
 * <p>Whom it serves, and whether in plain text, says {@link Access}; the health service answers
 * everybody.
 *
 * <p>Ownership and threads: whoever starts it closes it; closing twice is harmless. The inputs are
 * called by the server's threads, several at once, and must not block; the hub stays its owner's.
 * Starting loads grpc's classes (some 100 ms): let clients wait at a {@link GrpcPort}, and do it
 * when the first scrape was served.
 */
public final class GrpcFrontend implements AutoCloseable {
  /** Where it listens unless told otherwise. */
  public static final int DEFAULT_PORT = 9521;

  /** So old an answer of the health service may be. */
  private static final Duration HEALTH_INTERVAL = Duration.ofMillis(500);

  private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(1);

  /** Calls that wait for a thread; the next one is run by the thread that read it. */
  private static final int WAITING_CALLS = 1024;

  /**
   * It logs every client that does not speak HTTP/2, with a stack trace: not our fault, and not to
   * be filled by others. Held here, or its level could be collected.
   */
  private static final Logger TRANSPORT_LOG =
      Logger.getLogger("io.grpc.okhttp.OkHttpServerTransport");

  /**
   * What the server reads.
   *
   * @param snapshot the newest one; null until there is one
   * @param readiness whether the agent is ready, and why not
   * @param events what WatchEvents watches; its epoch names the agent's run
   * @param workloads who is known now; a list that nobody changes
   */
  public record Inputs(
      Supplier<@Nullable Snapshot> snapshot,
      Supplier<Readiness> readiness,
      EventHub events,
      Supplier<List<WorkloadInfo>> workloads) {
    public Inputs {
      Objects.requireNonNull(snapshot, "snapshot");
      Objects.requireNonNull(readiness, "readiness");
      Objects.requireNonNull(events, "events");
      Objects.requireNonNull(workloads, "workloads");
    }
  }

  private final Server server;
  private final InetSocketAddress address;
  private final GrpcHealth health;
  private final EventWatches watches;
  private final ThreadPoolExecutor calls;
  private final ScheduledExecutorService pumps;
  private final AtomicBoolean closed = new AtomicBoolean();

  private GrpcFrontend(
      Server server,
      InetSocketAddress address,
      GrpcHealth health,
      EventWatches watches,
      ThreadPoolExecutor calls,
      ScheduledExecutorService pumps) {
    this.server = server;
    this.address = address;
    this.health = health;
    this.watches = watches;
    this.calls = calls;
    this.pumps = pumps;
  }

  /** Listens and serves everybody, in plain text. */
  public static GrpcFrontend start(InetSocketAddress address, Inputs inputs)
      throws GrpcStartException {
    return start(address, Access.open(), inputs);
  }

  /**
   * Listens and serves.
   *
   * @param access whom
   * @param address host and port; port 0 takes a free one, {@link #address} tells which
   * @throws GrpcStartException if it cannot listen there; it says why and what to do
   */
  public static GrpcFrontend start(InetSocketAddress address, Access access, Inputs inputs)
      throws GrpcStartException {
    return start(GrpcPort.listen(address, access), inputs);
  }

  /**
   * Serves those that wait at a port, and all that come.
   *
   * @throws GrpcStartException if it cannot; nobody listens there then
   */
  public static GrpcFrontend start(GrpcPort port, Inputs inputs) throws GrpcStartException {
    TRANSPORT_LOG.setLevel(Level.SEVERE);
    ThreadPoolExecutor calls = callExecutor();
    ScheduledExecutorService pumps =
        new ScheduledThreadPoolExecutor(
            1, daemons("sonde-grpc-watch"), new ThreadPoolExecutor.DiscardPolicy());
    GrpcHealth health = new GrpcHealth(inputs.readiness());
    EventWatches watches = new EventWatches(inputs.events(), pumps);
    Server server =
        server(port)
            .executor(calls)
            .addService(new ObserverService(inputs, watches))
            .addService(health.service())
            .addService(ProtoReflectionServiceV1.newInstance())
            .build();
    health.update();
    try {
      server.start();
    } catch (IOException | RuntimeException e) {
      server.shutdownNow();
      calls.shutdownNow();
      pumps.shutdownNow();
      port.close();
      throw new GrpcStartException(port.address(), e);
    }
    var _ =
        pumps.scheduleWithFixedDelay(
            health::update,
            HEALTH_INTERVAL.toMillis(),
            HEALTH_INTERVAL.toMillis(),
            TimeUnit.MILLISECONDS);
    InetSocketAddress bound = (InetSocketAddress) server.getListenSockets().getFirst();
    return new GrpcFrontend(server, bound, health, watches, calls, pumps);
  }

  private static OkHttpServerBuilder server(GrpcPort port) {
    Access access = port.access();
    ConnectionCap connections = port.connections();
    CallBudget budget = new CallBudget(connections);
    ServerCredentials credentials =
        access.encrypted()
            ? SslSocketFactoryServerCredentials.create(new TlsSockets(access, connections))
            : InsecureServerCredentials.create();
    return OkHttpServerBuilder.forPort(port.address(), credentials)
        .socketFactory(connections)
        .maxConcurrentCallsPerConnection(GrpcLimits.CALLS_PER_CONNECTION)
        .maxInboundMessageSize(GrpcLimits.REQUEST_BYTES)
        .maxInboundMetadataSize(GrpcLimits.METADATA_BYTES)
        .keepAliveTime(GrpcLimits.KEEPALIVE.toSeconds(), TimeUnit.SECONDS)
        .keepAliveTimeout(GrpcLimits.KEEPALIVE_TIMEOUT.toSeconds(), TimeUnit.SECONDS)
        .permitKeepAliveTime(GrpcLimits.PERMITTED_KEEPALIVE.toSeconds(), TimeUnit.SECONDS)
        .permitKeepAliveWithoutCalls(true)
        .maxConnectionIdle(GrpcLimits.CONNECTION_IDLE.toSeconds(), TimeUnit.SECONDS)
        .addTransportFilter(budget)
        .intercept(budget)
        // The last one added is asked first: nobody takes a place who may not come in.
        .intercept(new Doorkeeper(access));
  }

  /**
   * A client that opens calls and resets them at once fills no queue: when it is full, the thread
   * that reads this client's connection does the work, and reads no more meanwhile.
   */
  private static ThreadPoolExecutor callExecutor() {
    int threads = Math.clamp(Runtime.getRuntime().availableProcessors(), 2, 4);
    ThreadPoolExecutor executor =
        new ThreadPoolExecutor(
            threads,
            threads,
            10,
            TimeUnit.SECONDS,
            new ArrayBlockingQueue<>(WAITING_CALLS),
            daemons("sonde-grpc-call"),
            new ThreadPoolExecutor.CallerRunsPolicy());
    executor.allowCoreThreadTimeOut(true);
    return executor;
  }

  private static ThreadFactory daemons(String name) {
    return Thread.ofPlatform().daemon().name(name).factory();
  }

  /** Where it listens. */
  public InetSocketAddress address() {
    return address;
  }

  /** Tells watchers and health that the agent goes, then stops within about a second. */
  @Override
  public void close() {
    if (!closed.compareAndSet(false, true)) {
      return;
    }
    health.shutdown();
    server.shutdown();
    watches.shutdown();
    boolean interrupted = false;
    try {
      if (!server.awaitTermination(CLOSE_TIMEOUT.toMillis(), TimeUnit.MILLISECONDS)) {
        server.shutdownNow();
        server.awaitTermination(CLOSE_TIMEOUT.toMillis(), TimeUnit.MILLISECONDS);
      }
    } catch (InterruptedException e) {
      interrupted = true;
      server.shutdownNow();
    }
    watches.close();
    calls.shutdownNow();
    pumps.shutdownNow();
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
