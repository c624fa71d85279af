package dev.sonde.exporter.grpc;

import dev.sonde.exporter.access.Access;
import java.io.IOException;
import java.net.InetSocketAddress;

/**
 * Where the gRPC server listens. Clients may connect from here on and wait, unrefused, until {@link
 * GrpcFrontend#start} serves them: the port costs nothing, the server's classes do.
 *
 * <pre>{@code
 * GrpcPort port = GrpcPort.listen(new InetSocketAddress("127.0.0.1", 9521), access);
 * ... // what shall come first
 * GrpcFrontend grpc = GrpcFrontend.start(port, inputs);
 * }</pre>
 *
 * <p>Whoever listens closes it, also where a server has it: then that is deaf. Twice is harmless.
 */
public final class GrpcPort implements AutoCloseable {
  private final Access access;
  private final ConnectionCap connections;
  private final InetSocketAddress address;

  private GrpcPort(Access access, ConnectionCap connections, InetSocketAddress address) {
    this.access = access;
    this.connections = connections;
    this.address = address;
  }

  /**
   * @param access whom the server will serve
   * @param address host and port; port 0 takes a free one, {@link #address} tells which
   * @throws GrpcStartException if it cannot listen there; it says why and what to do
   */
  public static GrpcPort listen(InetSocketAddress address, Access access)
      throws GrpcStartException {
    ConnectionCap connections = new ConnectionCap(GrpcLimits.CONNECTIONS, access);
    try {
      return new GrpcPort(access, connections, connections.listen(address));
    } catch (IOException | RuntimeException e) {
      throw new GrpcStartException(address, e);
    }
  }

  Access access() {
    return access;
  }

  ConnectionCap connections() {
    return connections;
  }

  /** Where it listens, with the real port. */
  public InetSocketAddress address() {
    return address;
  }

  @Override
  public void close() {
    connections.close();
  }
}
