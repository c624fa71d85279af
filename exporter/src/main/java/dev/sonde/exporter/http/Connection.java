package dev.sonde.exporter.http;

import static java.util.Objects.requireNonNull;

import dev.sonde.exporter.prometheus.Bytes;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.channels.SocketChannel;
import javax.net.ssl.SSLException;
import one.nio.net.SelectableJavaSocket;
import one.nio.net.Session;
import one.nio.net.Socket;
import one.nio.net.SocketClosedException;
import one.nio.server.SelectorThread;
import org.jspecify.annotations.Nullable;

/**
 * One client: requests in, answers out, in order, one at a time.
 *
 * <p>While an answer is made or not yet taken, nothing more is read, so a client that floods or
 * does not read holds up only itself. A connection that ends after an answer is half-closed first
 * and what still comes is dropped for a moment: closing at once would let the kernel's reset
 * overtake the answer.
 *
 * <p>The selector thread, a render thread and the sweeper enter; the session's monitor serialises
 * them, and nothing inside blocks.
 */
final class Connection extends Session {
  private static final int LINGER_BYTES = 1 << 20;
  private static final byte[] NOTHING = {};

  private final NioServer server;
  private final RequestParser parser;
  private ConnectionState state = ConnectionState.IDLE;
  private long since = System.nanoTime();
  private boolean fresh = true;
  private boolean closeAfter;
  private boolean refused;
  private int dropped;
  private final @Nullable TlsStream tls;
  private final byte[] leftover;

  /**
   * @param tls null: in plain text
   */
  Connection(Socket socket, NioServer server, HttpConfig config, @Nullable TlsStream tls) {
    super(socket);
    this.server = server;
    this.parser = new RequestParser(config.limits());
    this.tls = tls;
    this.leftover = new byte[tls == null ? 0 : 4096];
  }

  /** Turns a connection away before it was read; called before it is registered. */
  synchronized void refuse(Rejection why, String detail) throws IOException {
    refused = true;
    byte[] answer = answer(Response.of(why, detail));
    socket.write(answer, 0, answer.length, 0); // a fresh socket's buffer takes that much
    linger();
  }

  /** Whether it never counted as a client. */
  synchronized boolean refused() {
    return refused;
  }

  @Override
  protected void processRead(byte[] shared) throws IOException {
    if (state == ConnectionState.ENDING) {
      close();
      return;
    }
    if (state == ConnectionState.LINGERING) {
      drop(shared);
      return;
    }
    int room = Math.min(shared.length, parser.room());
    if (room <= 0 || state == ConnectionState.HANDLING || state == ConnectionState.SENDING) {
      rearm();
      return;
    }
    int n;
    try {
      n = tls == null ? read(shared, 0, room) : tls.read(this::read, shared, room);
    } catch (SocketClosedException e) {
      close(); // nothing is being answered in this state, so nobody waits
      return;
    } catch (TlsStream.NotTlsException | SSLException e) {
      refuseTls(e);
      return;
    }
    if (n < 0) {
      close();
      return;
    }
    flushTls();
    if (n > 0) {
      if (state == ConnectionState.IDLE) {
        enter(ConnectionState.READING);
      }
      parser.append(shared, n);
      pump();
    }
  }

  /** Puts what the handshake has to say into the queue, from where the selector sends it. */
  private void flushTls() throws IOException {
    if (tls != null && tls.hasOutput() && queueHead == null) {
      write(new Outgoing(NOTHING, 0, Connection::nothing, tls));
    }
  }

  /** A handshake that failed: the client is told as far as it can understand, and cut. */
  private void refuseTls(IOException why) throws IOException {
    TlsStream stream = requireNonNull(tls, "only TLS connections get here");
    server.refusedTls(why, client(), stream.established());
    if (why instanceof TlsStream.NotTlsException) {
      byte[] answer = answer(Response.text(400, "Bad Request", String.valueOf(why.getMessage())));
      socket.write(answer, 0, answer.length, 0);
    }
    linger();
  }

  /** The client's address, for the log. */
  String client() {
    InetSocketAddress at = socket.getRemoteAddress();
    return at == null ? "a client" : at.getAddress().getHostAddress();
  }

  /** Whether the client has shown a certificate that was verified. */
  synchronized boolean certified() {
    return tls != null && tls.certified();
  }

  @Override
  protected void processWrite() throws Exception {
    super.processWrite();
    if (socket.isOpen() && queueHead == null && state == ConnectionState.SENDING) {
      sent();
      pump();
    }
  }

  /** Takes requests off the buffer for as long as they can be answered at once. */
  private void pump() throws IOException {
    while (socket.isOpen() && (state == ConnectionState.IDLE || state == ConnectionState.READING)) {
      switch (parser.next()) {
        case Parsed.Incomplete() -> {
          if (takeMore()) {
            continue;
          }
          if (state == ConnectionState.IDLE && parser.buffered() > 0) {
            enter(ConnectionState.READING);
          }
          rearm();
          return;
        }
        case Parsed.Expecting() -> {
          byte[] go = NioServer.CONTINUE.clone();
          write(new Outgoing(go, go.length, Connection::nothing, tls));
        }
        case Parsed.Complete(Request request) -> {
          enter(ConnectionState.HANDLING);
          server.handle(request, this);
        }
        case Parsed.Refused(Rejection why, String detail) -> {
          server.count(why);
          enter(ConnectionState.HANDLING);
          byte[] answer = answer(Response.of(why, detail));
          closeAfter = true;
          send(new Outgoing(answer, answer.length, Connection::nothing, tls));
          return;
        }
      }
    }
    rearm();
  }

  /** Plaintext that came with an earlier record, of which the selector knows nothing. */
  private boolean takeMore() throws IOException {
    int room = Math.min(leftover.length, parser.room());
    if (tls == null || room <= 0) {
      return false;
    }
    int n;
    try {
      n = tls.take(leftover, room);
    } catch (SSLException e) {
      refuseTls(e);
      return true;
    }
    if (n < 0) {
      close();
      return true;
    }
    flushTls();
    parser.append(leftover, n);
    return n > 0;
  }

  /** Answers the request in hand. */
  synchronized void respond(Request request, Response response) throws IOException {
    closeAfter = !request.keepAlive();
    byte[] head = response.head(closeAfter);
    Outgoing out = new Outgoing(head, head.length, Connection::nothing, tls);
    if (!request.isHead()) {
      byte[] body = response.body();
      out.append(new Outgoing(body, body.length, Connection::nothing, tls));
    }
    send(out);
  }

  /** Answers the request in hand from {@code body}, which stays in use until {@code release}. */
  synchronized void respond(Request request, byte[] head, Bytes body, Runnable release)
      throws IOException {
    closeAfter = !request.keepAlive();
    Outgoing out = new Outgoing(head, head.length, Connection::nothing, tls);
    out.append(new Outgoing(body.array(), body.length(), release, tls));
    send(out);
  }

  /** After a render thread has answered: go on with what was pipelined. */
  synchronized void resume() {
    try {
      pump();
    } catch (IOException | RuntimeException e) {
      handleException(e);
    }
  }

  /** A scrape died of a bug: say so, unless its answer has begun. */
  synchronized void fail(Request request) {
    if (state != ConnectionState.HANDLING) {
      close();
      return;
    }
    try {
      respond(request, NioServer.internalError());
      pump();
    } catch (IOException | RuntimeException e) {
      handleException(e);
    }
  }

  private void send(Outgoing out) throws IOException {
    enter(ConnectionState.SENDING);
    write(out); // releases everything if it throws
    if (queueHead == null && socket.isOpen()) {
      sent();
    }
  }

  private void sent() throws IOException {
    if (closeAfter) {
      linger();
    } else {
      fresh = false;
      enter(ConnectionState.IDLE);
    }
  }

  private void linger() throws IOException {
    enter(ConnectionState.LINGERING);
    if (tls != null) {
      tls.farewell(socket);
    }
    channel().shutdownOutput();
    rearm();
  }

  private void drop(byte[] shared) throws IOException {
    try {
      dropped += read(shared, 0, shared.length);
    } catch (SocketClosedException e) {
      close();
      return;
    }
    if (dropped > LINGER_BYTES) {
      close();
    }
  }

  /** Asks the selector for what this state waits for. */
  private void rearm() {
    if (selector == null || !socket.isOpen() || queueHead != null) {
      return; // not registered yet, closed, or waiting to write: write() asked for that itself
    }
    listen(state.reads() ? READABLE : 0);
  }

  /** Ends what takes too long; the sweeper calls it. */
  synchronized void sweep(long now, HttpConfig config) {
    if (now - since <= state.limit(config.deadlines(), fresh).toNanos()) {
      return;
    }
    try {
      if (state == ConnectionState.READING) {
        server.count(Rejection.HEADER_TIMEOUT);
        closeAfter = true;
        byte[] answer =
            answer(
                Response.of(
                    Rejection.HEADER_TIMEOUT,
                    "the request was not complete after " + config.deadlines().header()));
        send(new Outgoing(answer, answer.length, Connection::nothing, tls));
        return;
      }
      if (state == ConnectionState.SENDING) {
        server.count(Rejection.SLOW_READER);
      }
      close();
    } catch (IOException | RuntimeException e) {
      handleException(e);
    }
  }

  /** What goes wrong with one client ends that client and nothing else. */
  @Override
  public void handleException(Throwable e) {
    close();
    if (!(e instanceof IOException)) {
      server.unexpected(e);
    }
  }

  /**
   * Only the selector thread may close a registered socket: one-nio asks a key for its readiness
   * after checking that it is valid, and a close between the two would end that thread for good.
   * Others end both directions, which wakes the selector to do it.
   */
  @Override
  public synchronized void close() {
    if (Thread.currentThread() instanceof SelectorThread) {
      closeNow();
    } else if (state != ConnectionState.ENDING && socket.isOpen()) {
      enter(ConnectionState.ENDING);
      try {
        channel().shutdownInput();
        channel().shutdownOutput();
      } catch (IOException e) {
        // the peer has ended it already, which wakes the selector as well
      }
      if (channel().isRegistered() && selector != null) {
        listen(READABLE);
      }
    }
  }

  /** By the selector thread, or when there is none any more. */
  synchronized void closeNow() {
    super.close();
    server.closed(this);
  }

  private SocketChannel channel() {
    return (SocketChannel) ((SelectableJavaSocket) socket).getSelectableChannel();
  }

  private void enter(ConnectionState next) {
    state = next;
    since = System.nanoTime();
  }

  private static byte[] answer(Response response) {
    byte[] head = response.head(true);
    byte[] body = response.body();
    return new Bytes(head.length + body.length).put(head).put(body).toArray();
  }

  private static void nothing() {}
}
