package dev.sonde.exporter.grpc;

import dev.sonde.exporter.access.Denial;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.net.SocketException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A client's socket that knows whether the client takes what it is sent.
 *
 * <p>grpc-okhttp puts what it sends into an unbounded buffer before the socket and regards it as
 * sent. HTTP/2 flow control does not help against a client that grants a huge window and then does
 * not read its socket: {@code isReady} stays true and memory grows. So this socket tells what
 * grpc-okhttp does not: {@link #stalled} and {@link #whenDrained}. And it reads nothing from a
 * client while a write to it waits: who does not listen is not listened to.
 *
 * <p>Threads: grpc-okhttp writes with one thread at a time and reads with one; the rest may be
 * called by any. What is run by {@link #whenDrained} runs on the writing thread or the caller's.
 */
final class ClientConnection extends Socket {
  /** A write takes microseconds while the client reads. */
  private static final long STALL_NANOS = 20_000_000;

  /** Each read of the handshake may wait so long. */
  private static final int HANDSHAKE_MILLIS = 5_000;

  /** The first byte of a TLS client's first record (RFC 8446, 5.1). */
  private static final int TLS_HANDSHAKE = 0x16;

  private final Consumer<ClientConnection> onClose;
  private final AtomicBoolean open = new AtomicBoolean(true);

  /** Fair, so that the reader has its turn between the writes to a slow client. */
  private final ReentrantLock writing = new ReentrantLock(true);

  /** From the first write after a flush to the next flush: the buffer is being emptied. */
  private boolean draining;

  private final List<Runnable> whenDrained = new ArrayList<>();
  private volatile boolean inWrite;
  private volatile long writeStart;

  private final AtomicReference<@Nullable InputStream> input = new AtomicReference<>();
  private final AtomicReference<@Nullable OutputStream> output = new AtomicReference<>();

  /** How many large answers this client may be given at once. */
  final Semaphore answers = new Semaphore(GrpcLimits.ANSWERS_PER_CONNECTION);

  final Semaphore watches = new Semaphore(GrpcLimits.WATCHES_PER_CONNECTION);

  private final boolean tls;
  private volatile int firstByte = -1;
  private volatile boolean established;
  private volatile boolean certificateRefused;
  private volatile String client = "a client";

  /** In plain text. */
  ClientConnection(Consumer<ClientConnection> onClose) {
    this(onClose, false);
  }

  /**
   * @param onClose called once
   * @param tls whether a handshake must come first
   */
  ClientConnection(Consumer<ClientConnection> onClose, boolean tls) {
    this.onClose = onClose;
    this.tls = tls;
  }

  /** Before the handshake: who it is, and how long each of its messages may take. */
  void accepted() throws SocketException {
    client = getInetAddress().getHostAddress();
    if (tls) {
      setSoTimeout(HANDSHAKE_MILLIS);
    }
  }

  /** The handshake has succeeded, or none was needed. */
  void established() {
    established = true;
    try {
      setSoTimeout(0);
    } catch (SocketException e) {
      // closed meanwhile: nothing waits any more
    }
  }

  /** What the client showed was no certificate for us. */
  void certificateRefused() {
    certificateRefused = true;
  }

  String client() {
    return client;
  }

  /** Why it was turned away, if TLS never came to be; a connection without a byte was a probe. */
  Optional<Denial> denial() {
    if (!tls || established || firstByte < 0) {
      return Optional.empty();
    }
    if (firstByte != TLS_HANDSHAKE) {
      return Optional.of(Denial.PLAIN_TEXT);
    }
    return Optional.of(certificateRefused ? Denial.CLIENT_CERTIFICATE : Denial.TLS_HANDSHAKE);
  }

  /** Whether the client has not taken what it is sent for a while: give it nothing more. */
  boolean stalled() {
    return inWrite && System.nanoTime() - writeStart > STALL_NANOS;
  }

  /**
   * Runs when nothing is being sent: at once, or after the next flush, or when the connection is
   * closed.
   */
  void whenDrained(Runnable action) {
    synchronized (whenDrained) {
      if (draining && open.get()) {
        whenDrained.add(action);
        return;
      }
    }
    action.run();
  }

  private void drained() {
    List<Runnable> actions;
    synchronized (whenDrained) {
      draining = false;
      actions = List.copyOf(whenDrained);
      whenDrained.clear();
    }
    actions.forEach(Runnable::run);
  }

  @Override
  public InputStream getInputStream() throws IOException {
    InputStream known = input.get();
    if (known == null) {
      input.compareAndSet(null, new PoliteInput(super.getInputStream()));
      known = input.get();
    }
    return Objects.requireNonNull(known);
  }

  @Override
  public OutputStream getOutputStream() throws IOException {
    OutputStream known = output.get();
    if (known == null) {
      output.compareAndSet(null, new WatchedOutput(super.getOutputStream()));
      known = output.get();
    }
    return Objects.requireNonNull(known);
  }

  @Override
  public void close() throws IOException {
    try {
      super.close();
    } finally {
      if (open.compareAndSet(true, false)) {
        onClose.accept(this);
        drained();
      }
    }
  }

  /** Waits for the write that is going on before it reads. */
  private final class PoliteInput extends InputStream {
    private final InputStream in;

    PoliteInput(InputStream in) {
      this.in = in;
    }

    @Override
    public int read() throws IOException {
      awaitWrite();
      int b = in.read();
      first(b);
      return b;
    }

    @Override
    public int read(byte[] to, int offset, int length) throws IOException {
      awaitWrite();
      int n = in.read(to, offset, length);
      if (n > 0) {
        first(to[offset] & 0xff);
      }
      return n;
    }

    private void first(int b) {
      if (firstByte < 0) {
        firstByte = b;
      }
    }

    @Override
    public int available() throws IOException {
      return in.available();
    }

    @Override
    public void close() throws IOException {
      ClientConnection.this.close();
    }

    private void awaitWrite() throws IOException {
      // Ends at the latest when the connection is closed: then the write fails.
      writing.lock();
      try {
        if (isClosed()) {
          throw new SocketException("closed while a write was waiting");
        }
      } finally {
        writing.unlock();
      }
    }
  }

  private final class WatchedOutput extends OutputStream {
    private final OutputStream out;

    WatchedOutput(OutputStream out) {
      this.out = out;
    }

    @Override
    public void write(int b) throws IOException {
      write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public void write(byte[] from, int offset, int length) throws IOException {
      synchronized (whenDrained) {
        draining = true;
      }
      writing.lock();
      writeStart = System.nanoTime();
      inWrite = true;
      try {
        out.write(from, offset, length);
      } finally {
        inWrite = false;
        writing.unlock();
      }
    }

    @Override
    public void flush() throws IOException {
      out.flush();
      drained();
    }

    @Override
    public void close() throws IOException {
      ClientConnection.this.close();
    }
  }
}
