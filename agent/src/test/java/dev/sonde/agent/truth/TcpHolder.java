package dev.sonde.agent.truth;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;

/** What a {@link TcpPeer} does to hold connections up, and how long it held them by its clock. */
final class TcpHolder {
  private static final int AT_ONCE = 200;
  private static final int SMALL = 8192;

  private final List<SocketChannel> held = new ArrayList<>();
  private ServerSocketChannel queue;
  private long most;

  TcpHolder() throws IOException {
    queue = ServerSocketChannel.open();
  }

  /** Listens and does not accept; the port. */
  int queue(String host, int backlog) throws IOException {
    queue = ServerSocketChannel.open().bind(new InetSocketAddress(host, 0), backlog);
    return ((InetSocketAddress) queue.getLocalAddress()).getPort();
  }

  /** Begins {@code count} connects, and waits for none of them. */
  int flood(String host, int port, int count) throws IOException {
    for (int i = 0; i < count; i++) {
      SocketChannel socket = SocketChannel.open();
      socket.configureBlocking(false);
      socket.connect(new InetSocketAddress(host, port));
      held.add(socket);
    }
    return count;
  }

  /** Closes what {@link #queue} and {@link #flood} opened. */
  int release() throws IOException {
    for (SocketChannel socket : held) {
      socket.close();
    }
    held.clear();
    queue.close();
    return 0;
  }

  /**
   * Connects to itself and accepts some time later, one after the other; the microseconds that each
   * connection surely waited, added up. {@link #most} is what it waited at most.
   */
  long acceptLate(int count, int millis) throws IOException, InterruptedException {
    long least = 0;
    most = 0;
    InetAddress self = InetAddress.getLoopbackAddress();
    try (ServerSocketChannel listener =
        ServerSocketChannel.open().bind(new InetSocketAddress(self, 0), 8)) {
      for (int i = 0; i < count; i++) {
        long begun = System.nanoTime();
        SocketChannel client = SocketChannel.open(listener.getLocalAddress());
        long connected = System.nanoTime();
        Thread.sleep(millis);
        long before = System.nanoTime();
        SocketChannel accepted = listener.accept();
        most += System.nanoTime() - begun;
        least += before - connected;
        accepted.close();
        client.close();
      }
    }
    return least / 1000;
  }

  long most() {
    return most / 1000;
  }

  /**
   * Serves connections in the background: sleeps and reads, in turn, with a small buffer, so that
   * its window closes; answers with a byte when it has read {@code bytes}. The port.
   */
  int stall(String host, int millis, int bytes) throws IOException {
    ServerSocketChannel listener =
        ServerSocketChannel.open().setOption(StandardSocketOptions.SO_RCVBUF, SMALL);
    listener.bind(new InetSocketAddress(host, 0), 4096);
    Thread.ofPlatform()
        .daemon()
        .start(
            () -> {
              try (ExecutorService each = Executors.newVirtualThreadPerTaskExecutor()) {
                while (true) {
                  SocketChannel socket = listener.accept();
                  each.execute(() -> stall(socket, millis, bytes));
                }
              } catch (IOException e) {
                System.out.println("failed accept: " + e);
              }
            });
    return ((InetSocketAddress) listener.getLocalAddress()).getPort();
  }

  private static void stall(SocketChannel socket, int millis, int bytes) {
    ByteBuffer buffer = ByteBuffer.allocate(4 * SMALL);
    try (socket) {
      int read = 0;
      while (read < bytes) {
        Thread.sleep(millis);
        int n = socket.read(buffer.clear());
        if (n < 0) {
          return;
        }
        read += n;
      }
      socket.write(ByteBuffer.allocate(1));
      socket.read(buffer.clear()); // the other side's end
    } catch (IOException | InterruptedException e) {
      System.out.println("failed stall: " + e);
    }
  }

  /** {@code count} connections, each of which sends {@code bytes} and waits for the answer. */
  int push(String host, int port, int count, int bytes) throws IOException {
    AtomicInteger done = new AtomicInteger();
    Semaphore turns = new Semaphore(AT_ONCE);
    try (ExecutorService each = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int i = 0; i < count; i++) {
        turns.acquireUninterruptibly();
        each.execute(
            () -> {
              try (SocketChannel socket = SocketChannel.open(new InetSocketAddress(host, port))) {
                push(socket, bytes);
                done.incrementAndGet();
              } catch (IOException e) {
                System.out.println("failed push: " + e);
              } finally {
                turns.release();
              }
            });
      }
    }
    return done.get();
  }

  /**
   * The same on one connection that stays, until {@link #release}.
   *
   * @param sendBuffer of this side; 0: the kernel's own choice
   */
  int pushAndHold(String host, int port, int bytes, int sendBuffer) throws IOException {
    SocketChannel socket = SocketChannel.open();
    if (sendBuffer > 0) {
      socket.setOption(StandardSocketOptions.SO_SNDBUF, sendBuffer);
    }
    socket.connect(new InetSocketAddress(host, port));
    held.add(socket);
    push(socket, bytes);
    return ((InetSocketAddress) socket.getLocalAddress()).getPort();
  }

  private static void push(SocketChannel socket, int bytes) throws IOException {
    ByteBuffer data = ByteBuffer.allocate(bytes);
    while (data.hasRemaining()) {
      socket.write(data);
    }
    if (socket.read(ByteBuffer.allocate(1)) != 1) {
      throw new IOException("no answer");
    }
  }
}
