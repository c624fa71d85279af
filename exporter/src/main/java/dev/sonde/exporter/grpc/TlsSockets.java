package dev.sonde.exporter.grpc;

import dev.sonde.exporter.access.Access;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.SSLSocketFactory;

/**
 * Puts TLS over a client's connection, with the certificates of that moment: so they may rotate
 * under a running server.
 */
final class TlsSockets extends SSLSocketFactory {
  private final Access access;

  TlsSockets(Access access, ConnectionCap connections) {
    this.access = access;
    access.onRefusedCertificate(
        socket -> {
          ClientConnection connection = connections.of(socket.getRemoteSocketAddress());
          if (connection != null) {
            connection.certificateRefused();
          }
        });
  }

  @Override
  public Socket createSocket(Socket over, String host, int port, boolean autoClose)
      throws IOException {
    SSLSocket socket =
        (SSLSocket) access.context().getSocketFactory().createSocket(over, host, port, autoClose);
    socket.setUseClientMode(false);
    socket.setSSLParameters(access.parameters(socket.getSSLParameters()));
    return socket;
  }

  @Override
  public String[] getDefaultCipherSuites() {
    return access.context().getSocketFactory().getDefaultCipherSuites();
  }

  @Override
  public String[] getSupportedCipherSuites() {
    return access.context().getSocketFactory().getSupportedCipherSuites();
  }

  @Override
  public Socket createSocket(String host, int port) {
    throw clientsOnly();
  }

  @Override
  public Socket createSocket(String host, int port, InetAddress local, int localPort) {
    throw clientsOnly();
  }

  @Override
  public Socket createSocket(InetAddress host, int port) {
    throw clientsOnly();
  }

  @Override
  public Socket createSocket(InetAddress host, int port, InetAddress local, int localPort) {
    throw clientsOnly();
  }

  private static UnsupportedOperationException clientsOnly() {
    return new UnsupportedOperationException("it accepts, it does not connect");
  }
}
