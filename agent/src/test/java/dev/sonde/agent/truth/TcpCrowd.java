package dev.sonde.agent.truth;

import java.io.IOException;
import java.net.BindException;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.net.NoRouteToHostException;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Thousands of connections that end in every way there is, and how many of them did end so, by what
 * the system calls said.
 */
final class TcpCrowd {
  private static final int AT_ONCE = 200;

  /** What a server does with each connection. */
  enum Serve {
    /** Reads to the end, then closes. */
    READ,
    /** Closes at once. */
    CLOSE,
    /** Reads to the end, answers, closes. */
    REPLY,
    /** Reads a byte, then resets. */
    RESET
  }

  /** What a client does. */
  enum Visit {
    /** Sends a byte and closes. */
    FINISH,
    /** Waits for the other side's end, then closes. */
    SERVED,
    /** Ends its own direction, reads the answer, then closes. */
    HALF_CLOSE,
    /** Sends a byte and is reset. */
    CUT,
    /** Sends a byte and resets. */
    CUTTER,
    /** Is refused. */
    REFUSED,
    /** Gets no answer. */
    TIMEOUT,
    /** Gets an ICMP error. */
    UNREACHABLE,
    /** Gives up while there is no answer. */
    ABORTED,
    /** Wants a local port that is taken for this destination. */
    LOCAL,
    /** Connects and stays. */
    HOLD,
    /** Those that stay send a byte and get no answer. */
    STUCK,
    /** Those that stay close. */
    LEAVE
  }

  private final List<SocketChannel> held = new CopyOnWriteArrayList<>();

  /** Serves in the background; the port. */
  int serve(String host, Serve how) throws IOException {
    ServerSocketChannel listener =
        ServerSocketChannel.open().bind(new InetSocketAddress(host, 0), 4096);
    Thread.ofPlatform()
        .daemon()
        .start(
            () -> {
              try (ExecutorService each = Executors.newVirtualThreadPerTaskExecutor()) {
                while (true) {
                  SocketChannel socket = listener.accept();
                  each.execute(() -> serve(socket, how));
                }
              } catch (IOException e) {
                System.out.println("failed accept: " + e);
              }
            });
    return ((InetSocketAddress) listener.getLocalAddress()).getPort();
  }

  private static void serve(SocketChannel socket, Serve how) {
    ByteBuffer buffer = ByteBuffer.allocate(256);
    try (socket) {
      switch (how) {
        case CLOSE -> {
          // by leaving
        }
        case READ -> readToEnd(socket, buffer);
        case REPLY -> {
          readToEnd(socket, buffer);
          socket.write(ByteBuffer.allocate(100));
        }
        case RESET -> {
          socket.read(buffer);
          socket.setOption(StandardSocketOptions.SO_LINGER, 0);
        }
      }
    } catch (IOException theClientReset) {
      // what it came for
    }
  }

  private static void readToEnd(SocketChannel socket, ByteBuffer buffer) throws IOException {
    while (socket.read(buffer.clear()) >= 0) {
      // nothing is done with it
    }
  }

  /** Makes {@code count} connections; how many ended as they were to. */
  int connect(String host, int port, Visit visit, int count) throws IOException {
    AtomicInteger asWanted = new AtomicInteger();
    Semaphore turns = new Semaphore(AT_ONCE);
    InetSocketAddress to = new InetSocketAddress(host, port);
    if (visit == Visit.LOCAL) {
      return local(to, count);
    }
    try (ExecutorService each = threads(visit)) {
      for (int i = 0; i < count; i++) {
        int n = i;
        turns.acquireUninterruptibly();
        each.execute(
            () -> {
              try {
                if (visit(to, visit, n)) {
                  asWanted.incrementAndGet();
                }
              } catch (IOException e) {
                System.err.println(visit + ": " + e);
              } finally {
                turns.release();
              }
            });
      }
    }
    if (visit == Visit.STUCK || visit == Visit.LEAVE) {
      held.clear();
    }
    return asWanted.get();
  }

  /**
   * A virtual thread's socket does not block, so that its runtime asks for errors while the kernel
   * is still trying: an ICMP error then ends the attempt before the kernel would.
   */
  private static ExecutorService threads(Visit visit) {
    return visit == Visit.UNREACHABLE
        ? Executors.newThreadPerTaskExecutor(Thread.ofPlatform().factory())
        : Executors.newVirtualThreadPerTaskExecutor();
  }

  private boolean visit(InetSocketAddress to, Visit visit, int n) throws IOException {
    switch (visit) {
      case STUCK, LEAVE -> {
        return end(held.get(n), visit);
      }
      case ABORTED -> {
        try (SocketChannel socket = SocketChannel.open()) {
          socket.configureBlocking(false);
          return !socket.connect(to);
        }
      }
      case HOLD -> {
        held.add(SocketChannel.open(to));
        return true;
      }
      default -> {
        return briefly(to, visit);
      }
    }
  }

  private static boolean briefly(InetSocketAddress to, Visit visit) throws IOException {
    try (SocketChannel socket = SocketChannel.open(to)) {
      ByteBuffer buffer = ByteBuffer.allocate(256);
      switch (visit) {
        case FINISH -> socket.write(ByteBuffer.allocate(1));
        case SERVED -> readToEnd(socket, buffer);
        case HALF_CLOSE -> {
          socket.shutdownOutput();
          readToEnd(socket, buffer);
        }
        case CUTTER -> {
          socket.write(ByteBuffer.allocate(1));
          socket.setOption(StandardSocketOptions.SO_LINGER, 0);
        }
        case CUT -> {
          socket.write(ByteBuffer.allocate(1));
          return failsReading(socket, "reset");
        }
        default -> {
          return false; // was to fail
        }
      }
      return true;
    } catch (NoRouteToHostException e) {
      return visit == Visit.UNREACHABLE;
    } catch (ConnectException e) {
      return visit == (says(e, "refused") ? Visit.REFUSED : Visit.TIMEOUT);
    }
  }

  private static boolean end(SocketChannel socket, Visit visit) throws IOException {
    try (socket) {
      if (visit == Visit.STUCK) {
        socket.write(ByteBuffer.allocate(1));
        return failsReading(socket, "timed out");
      }
      return true;
    }
  }

  private static boolean failsReading(SocketChannel socket, String how) {
    try {
      return socket.read(ByteBuffer.allocate(1)) == 99;
    } catch (IOException e) {
      return says(e, how);
    }
  }

  private static boolean says(IOException e, String what) {
    String message = e.getMessage();
    return message != null && message.contains(what);
  }

  /** All from one port: the first connects, the others cannot. */
  private static int local(InetSocketAddress to, int count) throws IOException {
    int failed = 0;
    try (SocketChannel first = SocketChannel.open()) {
      first.setOption(StandardSocketOptions.SO_REUSEADDR, true);
      first.bind(null).connect(to);
      for (int i = 0; i < count; i++) {
        try (SocketChannel next = SocketChannel.open()) {
          next.setOption(StandardSocketOptions.SO_REUSEADDR, true);
          next.bind(first.getLocalAddress()).connect(to);
        } catch (BindException | ConnectException | NoRouteToHostException taken) {
          failed++;
        }
      }
    }
    return failed;
  }
}
