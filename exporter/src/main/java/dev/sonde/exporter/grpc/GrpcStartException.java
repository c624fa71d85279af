package dev.sonde.exporter.grpc;

import java.io.IOException;
import java.net.InetSocketAddress;

/** The gRPC server could not listen; the message says where, why and what to do. */
public final class GrpcStartException extends IOException {
  private static final long serialVersionUID = 1L;

  GrpcStartException(InetSocketAddress address, Throwable cause) {
    super(describe(address, cause), cause);
  }

  private static String describe(InetSocketAddress address, Throwable cause) {
    String where = "gRPC: listen on " + address.getHostString() + ":" + address.getPort() + ": ";
    if (address.isUnresolved()) {
      return where + "unknown host; give a name or an address of this machine";
    }
    String why = String.valueOf(cause.getMessage());
    if (why.contains("Address already in use")) {
      return where + "the port is taken; stop the other process (an agent?) or give another port";
    }
    if (why.contains("Cannot assign requested address")) {
      return where + "this machine has no such address; give one of its own, such as 127.0.0.1";
    }
    if (why.contains("Permission denied")) {
      return where + "permission denied; take a port above 1023 or grant CAP_NET_BIND_SERVICE";
    }
    return where + why;
  }
}
