package dev.sonde.exporter.grpc;

import dev.sonde.exporter.model.Readiness;
import dev.sonde.v1.ObserverGrpc;
import io.grpc.BindableService;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.protobuf.services.HealthStatusManager;
import java.util.function.Supplier;

/**
 * {@code grpc.health.v1.Health} of the server as a whole (the empty name) and of the Observer:
 * SERVING while the agent is ready.
 *
 * <p>The agent's readiness is asked, health is told, also to those that watch it: so {@link
 * #update} must be called every now and then.
 */
final class GrpcHealth {
  private final HealthStatusManager manager = new HealthStatusManager();
  private final Supplier<Readiness> readiness;

  GrpcHealth(Supplier<Readiness> readiness) {
    this.readiness = readiness;
  }

  BindableService service() {
    return manager.getHealthService();
  }

  /** Asks and tells. Never throws: what cannot say that it is ready, is not. */
  void update() {
    ServingStatus status;
    try {
      status =
          switch (readiness.get()) {
            case Readiness.Ready _ -> ServingStatus.SERVING;
            case Readiness.NotReady _ -> ServingStatus.NOT_SERVING;
          };
    } catch (RuntimeException e) {
      status = ServingStatus.NOT_SERVING;
    }
    manager.setStatus(HealthStatusManager.SERVICE_NAME_ALL_SERVICES, status);
    manager.setStatus(ObserverGrpc.SERVICE_NAME, status);
  }

  /** NOT_SERVING for good. */
  void shutdown() {
    manager.enterTerminalState();
  }
}
