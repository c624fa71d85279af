package dev.sonde.agent.truth;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Both ends of a TCP connection over loopback, in this JVM and in this thread, and the kernel's own
 * count of what it sent again.
 */
final class Loopback implements AutoCloseable {
  private static final int CHUNK = 16 * 1024;

  private final SocketChannel client;
  private final SocketChannel server;
  private final ByteBuffer buffer = ByteBuffer.allocateDirect(CHUNK);

  private Loopback(SocketChannel client, SocketChannel server) {
    this.client = client;
    this.server = server;
  }

  static Loopback connect() throws IOException {
    try (ServerSocketChannel listener =
        ServerSocketChannel.open()
            .bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))) {
      SocketChannel client = SocketChannel.open(listener.getLocalAddress());
      return new Loopback(client, listener.accept());
    }
  }

  /** Sends from the client to the server, which reads it all. */
  void move(long bytes) throws IOException {
    client.configureBlocking(false);
    server.configureBlocking(false);
    long sent = 0;
    long received = 0;
    while (received < bytes) {
      if (sent < bytes) {
        buffer.clear().limit((int) Math.min(CHUNK, bytes - sent));
        sent += client.write(buffer);
      }
      int n = server.read(buffer.clear());
      if (n < 0) {
        throw new IOException("the connection ended");
      }
      received += n;
      if (n == 0) {
        Thread.onSpinWait();
      }
    }
  }

  /** {@code TcpRetransSegs} of this network namespace: RFC 1213, /proc/net/snmp. */
  static long retransmitted() throws IOException {
    List<String> lines = Files.readAllLines(Path.of("/proc/self/net/snmp"));
    for (int i = 0; i + 1 < lines.size(); i++) {
      if (lines.get(i).startsWith("Tcp:")) {
        List<String> names = List.of(lines.get(i).split(" "));
        return Long.parseLong(lines.get(i + 1).split(" ")[names.indexOf("RetransSegs")]);
      }
    }
    throw new IOException("no Tcp: in /proc/self/net/snmp");
  }

  /** Loses a share of all packets on loopback, which are single segments meanwhile. */
  static void lossy(int percent, Runnable body) {
    Command.run("ip", "link", "set", "lo", "mtu", "1500", "gso_max_segs", "1");
    Command.run("tc", "qdisc", "add", "dev", "lo", "root", "netem", "loss", percent + "%");
    try {
      body.run();
    } finally {
      Command.run("tc", "qdisc", "del", "dev", "lo", "root");
      Command.run("ip", "link", "set", "lo", "mtu", "65536", "gso_max_segs", "65535");
    }
  }

  /** Ends the connection by a reset that the client sends. */
  void reset() throws IOException {
    client.setOption(StandardSocketOptions.SO_LINGER, 0);
    client.close();
    // the packet goes through loopback's softirq before the close returns
    server.close();
  }

  @Override
  public void close() throws IOException {
    client.close();
    server.close();
  }
}
