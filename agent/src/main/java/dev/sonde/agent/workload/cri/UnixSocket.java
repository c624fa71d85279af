package dev.sonde.agent.workload.cri;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;

/**
 * A connected unix domain socket in the shape of a {@link Socket}, which is what grpc's okhttp
 * transport takes.
 *
 * <p>One thread may read while another writes. {@link #close} ends both. Options of TCP are taken
 * and ignored.
 */
final class UnixSocket extends Socket {
  private final SocketChannel channel;

  UnixSocket(SocketChannel channel) {
    this.channel = channel;
  }

  @Override
  public InputStream getInputStream() {
    return new Reading(channel);
  }

  @Override
  public OutputStream getOutputStream() {
    return new Writing(channel);
  }

  @Override
  public boolean isConnected() {
    return channel.isConnected();
  }

  @Override
  public boolean isBound() {
    return true;
  }

  @Override
  public boolean isClosed() {
    return !channel.isOpen();
  }

  @Override
  public SocketAddress getRemoteSocketAddress() {
    return InetSocketAddress.createUnresolved("localhost", 0);
  }

  @Override
  public SocketAddress getLocalSocketAddress() {
    return InetSocketAddress.createUnresolved("localhost", 0);
  }

  @Override
  public InetAddress getInetAddress() {
    return InetAddress.getLoopbackAddress();
  }

  @Override
  public int getPort() {
    return 0;
  }

  @Override
  public void setTcpNoDelay(boolean on) {}

  @Override
  public void setSoTimeout(int millis) {}

  @Override
  public int getSoTimeout() {
    return 0;
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }

  /**
   * Not {@link Channels#newInputStream}: its reads and writes take one lock, so that a reader that
   * waits would stop the writer.
   */
  private static final class Reading extends InputStream {
    private final SocketChannel channel;

    Reading(SocketChannel channel) {
      this.channel = channel;
    }

    @Override
    public int read() throws IOException {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] into, int offset, int length) throws IOException {
      return length == 0 ? 0 : channel.read(ByteBuffer.wrap(into, offset, length));
    }

    @Override
    public void close() throws IOException {
      channel.close();
    }
  }

  private static final class Writing extends OutputStream {
    private final SocketChannel channel;

    Writing(SocketChannel channel) {
      this.channel = channel;
    }

    @Override
    public void write(int b) throws IOException {
      write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public void write(byte[] from, int offset, int length) throws IOException {
      ByteBuffer left = ByteBuffer.wrap(from, offset, length);
      while (left.hasRemaining()) {
        channel.write(left);
      }
    }

    @Override
    public void close() throws IOException {
      channel.close();
    }
  }
}
