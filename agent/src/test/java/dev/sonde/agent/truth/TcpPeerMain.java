package dev.sonde.agent.truth;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.reflect.Field;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The process behind {@link TcpPeer}: does what each line of its input says and answers with a line
 * that holds the bytes as the system calls returned them.
 */
final class TcpPeerMain {
  private @Nullable ServerSocketChannel listener;
  private @Nullable SocketChannel socket;

  /** When what it was told last was done, by CLOCK_MONOTONIC. */
  private long[] began = new long[1];

  private final TcpCrowd crowd = new TcpCrowd();

  private final TcpHolder holder = new TcpHolder();

  private TcpPeerMain() throws IOException {}

  public static void main(String[] args) throws Exception {
    TcpPeerMain peer = new TcpPeerMain();
    BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      String answer;
      try {
        answer = "ok " + peer.run(line.split(" "));
      } catch (IOException e) {
        answer = "failed " + e;
      }
      System.out.println(answer);
    }
  }

  private long run(String[] c) throws IOException, InterruptedException {
    return switch (c[0]) {
      case "listen" -> listen(c[1]);
      case "connect" -> connect(c[1], Integer.parseInt(c[2]));
      case "accept" -> accept();
      case "send" -> send(Long.parseLong(c[1]), Integer.parseInt(c[2]));
      case "sendfile" -> sendFile(Long.parseLong(c[1]));
      case "receive" -> receive(Long.parseLong(c[1]), Integer.parseInt(c[2]));
      case "drain" -> receive(Long.MAX_VALUE, Integer.parseInt(c[1]));
      case "splice" -> splice();
      case "ask" -> ask(Integer.parseInt(c[1]), Integer.parseInt(c[2]));
      case "echo" -> echo(Integer.parseInt(c[1]));
      case "timed" -> timed(Integer.parseInt(c[1]), Integer.parseInt(c[2]));
      case "late" -> late(Integer.parseInt(c[1]), Integer.parseInt(c[2]));
      case "connectedfrom" -> connectedFrom(c[1], Integer.parseInt(c[2]));
      case "paced" -> paced(Integer.parseInt(c[1]), Integer.parseInt(c[2]), Integer.parseInt(c[3]));
      case "began" -> began[Integer.parseInt(c[1])];
      case "beganall" -> Arrays.stream(began).sum();
      case "shutdown" -> shutdown();
      case "close" -> close();
      case "serve" -> crowd.serve(c[1], TcpCrowd.Serve.valueOf(c[2]));
      case "crowd" ->
          crowd.connect(
              c[1], Integer.parseInt(c[2]), TcpCrowd.Visit.valueOf(c[3]), Integer.parseInt(c[4]));
      case "queue" -> holder.queue(c[1], Integer.parseInt(c[2]));
      case "flood" -> holder.flood(c[1], Integer.parseInt(c[2]), Integer.parseInt(c[3]));
      case "release" -> holder.release();
      case "acceptlate" -> holder.acceptLate(Integer.parseInt(c[1]), Integer.parseInt(c[2]));
      case "most" -> holder.most();
      case "stall" -> holder.stall(c[1], Integer.parseInt(c[2]), Integer.parseInt(c[3]));
      case "push" ->
          holder.push(c[1], Integer.parseInt(c[2]), Integer.parseInt(c[3]), Integer.parseInt(c[4]));
      case "pushandhold" ->
          holder.pushAndHold(
              c[1], Integer.parseInt(c[2]), Integer.parseInt(c[3]), Integer.parseInt(c[4]));
      default -> throw new IOException("no command " + c[0]);
    };
  }

  private long listen(String host) throws IOException {
    listener = ServerSocketChannel.open().bind(new InetSocketAddress(host, 0), 64);
    return ((InetSocketAddress) listener.getLocalAddress()).getPort();
  }

  private long connect(String host, int port) throws IOException {
    socket = SocketChannel.open(new InetSocketAddress(host, port));
    return ((InetSocketAddress) socket.getLocalAddress()).getPort();
  }

  private long accept() throws IOException {
    if (listener == null) {
      throw new IOException("not listening");
    }
    socket = listener.accept();
    return ((InetSocketAddress) socket.getRemoteAddress()).getPort();
  }

  private SocketChannel socket() throws IOException {
    if (socket == null) {
      throw new IOException("not connected");
    }
    return socket;
  }

  /** Writes of {@code chunk} bytes. */
  private long send(long total, int chunk) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocateDirect(chunk);
    long sent = 0;
    while (sent < total) {
      buffer.clear().limit((int) Math.min(chunk, total - sent));
      sent += socket().write(buffer);
    }
    return sent;
  }

  private long sendFile(long total) throws IOException {
    Path file = Files.createTempFile("sonde-sendfile", ".bin");
    try (FileChannel in =
        FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      in.write(ByteBuffer.allocate(1), total - 1);
      long sent = 0;
      while (sent < total) {
        sent += in.transferTo(sent, total - sent, socket());
      }
      return sent;
    } finally {
      Files.delete(file);
    }
  }

  /** Reads until {@code total} bytes or the end. */
  private long receive(long total, int chunk) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocateDirect(chunk);
    long received = 0;
    while (received < total) {
      buffer.clear().limit((int) Math.min(chunk, total - received));
      int n = socket().read(buffer);
      if (n < 0) {
        break;
      }
      received += n;
    }
    return received;
  }

  /** Sends messages and waits for each one's echo; the bytes of one direction. */
  private long ask(int messages, int size) throws IOException {
    long bytes = 0;
    for (int i = 0; i < messages; i++) {
      send(size, size);
      bytes += receive(size, size);
    }
    return bytes;
  }

  /** Sends back what it reads, until the end. */
  private long echo(int chunk) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocateDirect(chunk);
    long bytes = 0;
    while (socket().read(buffer.clear()) >= 0) {
      buffer.flip();
      while (buffer.hasRemaining()) {
        bytes += socket().write(buffer);
      }
    }
    return bytes;
  }

  /** {@link #ask}, one after the other; "began" tells when each was sent. */
  private long timed(int messages, int size) throws IOException {
    long[] sent = new long[messages];
    for (int i = 0; i < messages; i++) {
      sent[i] = System.nanoTime();
      ask(1, size);
    }
    began = sent;
    return messages;
  }

  /**
   * Sends back messages that it reads only some time after they were there; the microseconds from
   * seeing each to having read it, added up. "began" tells when each had been read.
   */
  private long late(int messages, int millis) throws IOException, InterruptedException {
    ByteBuffer buffer = ByteBuffer.allocateDirect(65536);
    SocketChannel channel = socket();
    long nanos = 0;
    long[] read = new long[messages];
    for (int i = 0; i < messages; i++) {
      channel.configureBlocking(false);
      try (Selector selector = Selector.open()) {
        channel.register(selector, SelectionKey.OP_READ);
        selector.select();
      }
      channel.configureBlocking(true);
      long seen = System.nanoTime();
      Thread.sleep(millis);
      channel.read(buffer.clear());
      read[i] = System.nanoTime();
      nanos += read[i] - seen;
      channel.write(buffer.flip());
    }
    began = read;
    return nanos / 1000;
  }

  /** {@link #connect}, whose begin "began 0" tells, by CLOCK_MONOTONIC. */
  private long connectedFrom(String host, int port) throws IOException {
    InetSocketAddress to = new InetSocketAddress(host, port);
    SocketChannel channel = SocketChannel.open();
    began = new long[] {System.nanoTime()};
    channel.connect(to);
    socket = channel;
    return ((InetSocketAddress) channel.getLocalAddress()).getPort();
  }

  /** Sends messages one after the other; "began N" tells when each was sent. */
  private long paced(int messages, int size, int millis) throws IOException, InterruptedException {
    ByteBuffer buffer = ByteBuffer.allocateDirect(size);
    socket().setOption(StandardSocketOptions.TCP_NODELAY, true);
    began = new long[messages];
    for (int i = 0; i < messages; i++) {
      buffer.clear();
      began[i] = System.nanoTime();
      socket().write(buffer);
      Thread.sleep(millis);
    }
    return messages;
  }

  private long shutdown() throws IOException {
    socket().shutdownOutput();
    return 0;
  }

  private long close() throws IOException {
    socket().close();
    return 0;
  }

  /** Reads to the end with splice(2), through a pipe into /dev/null. */
  private long splice() throws IOException {
    Linker linker = Linker.nativeLinker();
    MethodHandle pipe =
        handle(linker, "pipe", FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS));
    MethodHandle open =
        handle(
            linker,
            "open",
            FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_INT));
    MethodHandle splice =
        handle(
            linker,
            "splice",
            FunctionDescriptor.of(
                ValueLayout.JAVA_LONG,
                ValueLayout.JAVA_INT,
                ValueLayout.ADDRESS,
                ValueLayout.JAVA_INT,
                ValueLayout.ADDRESS,
                ValueLayout.JAVA_LONG,
                ValueLayout.JAVA_INT));
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment ends = arena.allocate(8, 4);
      MemorySegment none = MemorySegment.NULL;
      int made = (int) pipe.invokeExact(ends);
      int sink = (int) open.invokeExact(arena.allocateFrom("/dev/null"), 1);
      if (made != 0 || sink < 0) {
        throw new IOException("pipe or open failed");
      }
      int from = descriptor(socket());
      int readEnd = ends.get(ValueLayout.JAVA_INT, 0);
      int writeEnd = ends.get(ValueLayout.JAVA_INT, 4);
      long bytes = 0;
      while (true) {
        long n = (long) splice.invokeExact(from, none, writeEnd, none, 65536L, 0);
        if (n < 0) {
          throw new IOException("splice failed");
        }
        if (n == 0) {
          return bytes;
        }
        for (long out = 0; out < n; ) {
          out += (long) splice.invokeExact(readEnd, none, sink, none, n - out, 0);
        }
        bytes += n;
      }
    } catch (IOException | RuntimeException e) {
      throw e;
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  @SuppressWarnings("restricted")
  private static MethodHandle handle(Linker linker, String name, FunctionDescriptor type) {
    return linker.downcallHandle(linker.defaultLookup().findOrThrow(name), type);
  }

  /** The number of a channel's descriptor; this process is started with java.base opened for it. */
  private static int descriptor(SocketChannel channel) throws IOException {
    try {
      Field field = channel.getClass().getDeclaredField("fdVal");
      field.setAccessible(true);
      return field.getInt(channel);
    } catch (ReflectiveOperationException e) {
      throw new IOException(e);
    }
  }
}
