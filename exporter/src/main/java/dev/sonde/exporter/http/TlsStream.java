package dev.sonde.exporter.http;

import java.io.IOException;
import java.nio.ByteBuffer;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLPeerUnverifiedException;
import one.nio.net.Socket;

/**
 * TLS between a connection and its socket: records in, plaintext out, and back.
 *
 * <p>Never blocks: what does not fit into the socket waits in here, and the connection asks for it
 * to be flushed. Owned by one connection, whose monitor serialises the calls. The handshake's
 * arithmetic (a millisecond or two) is done on the calling thread.
 */
final class TlsStream {
  /** The first byte of every TLS client's first record: a handshake (RFC 8446, 5.1). */
  private static final int HANDSHAKE = 0x16;

  /** A plaintext record is at most so long (RFC 8446, 5.1). */
  private static final int RECORD = 1 << 14;

  private static final ByteBuffer NOTHING = ByteBuffer.allocate(0);

  /** Reads what is there, as {@link one.nio.net.Session#read}. */
  interface Wire {
    int read(byte[] to, int offset, int count) throws IOException;
  }

  /** The first bytes were not of TLS. */
  static final class NotTlsException extends IOException {
    private static final long serialVersionUID = 1;

    NotTlsException() {
      super("this port speaks TLS: use https://");
    }
  }

  private final SSLEngine engine;
  private final ByteBuffer in;
  private final ByteBuffer plain;
  private ByteBuffer out;
  private boolean begun;
  private boolean established;
  private boolean ended;

  TlsStream(SSLEngine engine) {
    this.engine = engine;
    int packet = engine.getSession().getPacketBufferSize();
    this.in = ByteBuffer.allocate(packet);
    this.out = ByteBuffer.allocate(packet);
    this.plain = ByteBuffer.allocate(engine.getSession().getApplicationBufferSize());
  }

  /**
   * Takes from the socket what is there.
   *
   * @return bytes of plaintext, 0 if there is none yet, -1 if the client has said that it ends
   * @throws NotTlsException these are no TLS records
   * @throws SSLException the handshake failed; an alert for the client waits to be flushed
   */
  int read(Wire wire, byte[] to, int room) throws IOException {
    int n = wire.read(in.array(), in.position(), in.remaining());
    if (n > 0) {
      in.position(in.position() + n);
      if (!begun && in.array()[0] != HANDSHAKE) {
        throw new NotTlsException();
      }
      begun = true;
    }
    return take(to, room);
  }

  /** Plaintext of records that are here already; results as {@link #read}. */
  int take(byte[] to, int room) throws SSLException {
    int idle = 0;
    while (plain.position() == 0 && !ended) {
      in.flip();
      SSLEngineResult result;
      try {
        result = engine.unwrap(in, plain);
      } finally {
        in.compact();
      }
      handshake();
      switch (result.getStatus()) {
        case CLOSED -> ended = true;
        case BUFFER_UNDERFLOW -> {
          return 0;
        }
        case BUFFER_OVERFLOW -> throw new SSLException("a record larger than TLS allows");
        case OK -> {
          // Nothing taken twice running: it waits for us or for the client, not for another try.
          idle = result.bytesConsumed() == 0 ? idle + 1 : 0;
          if (idle > 1) {
            return 0;
          }
        }
      }
    }
    int n = Math.min(room, plain.position());
    if (n > 0) {
      plain.flip();
      plain.get(to, 0, n);
      plain.compact();
    }
    return n == 0 && ended ? -1 : n;
  }

  /** Does what the engine wants next, up to where it waits for the client. */
  private void handshake() throws SSLException {
    while (true) {
      switch (engine.getHandshakeStatus()) {
        case NEED_TASK -> {
          if (established && !engine.getSession().getProtocol().equals("TLSv1.3")) {
            // each costs us a signature and the client nothing
            throw new SSLException("renegotiation is not allowed");
          }
          for (Runnable task = engine.getDelegatedTask();
              task != null;
              task = engine.getDelegatedTask()) {
            task.run();
          }
        }
        case NEED_WRAP -> {
          if (seal(NOTHING.array(), 0, 0) < 0) {
            return;
          }
        }
        case NOT_HANDSHAKING, FINISHED -> {
          established = begun;
          return;
        }
        case NEED_UNWRAP, NEED_UNWRAP_AGAIN -> {
          return;
        }
      }
    }
  }

  /** Encrypts up to a record; the bytes taken, -1 if the engine is closed. */
  int seal(byte[] data, int offset, int count) throws SSLException {
    int packet = engine.getSession().getPacketBufferSize();
    if (out.remaining() < packet) {
      ByteBuffer larger = ByteBuffer.allocate(out.position() + 2 * packet);
      out.flip();
      larger.put(out);
      out = larger;
    }
    SSLEngineResult result =
        engine.wrap(ByteBuffer.wrap(data, offset, Math.min(count, RECORD)), out);
    return result.getStatus() == SSLEngineResult.Status.CLOSED ? -1 : result.bytesConsumed();
  }

  /** Whether records wait for room in the socket. */
  boolean hasOutput() {
    return out.position() > 0;
  }

  int waiting() {
    return out.position();
  }

  /** Gives the socket what it takes; the bytes given. */
  int flush(Socket socket) throws IOException {
    int total = 0;
    while (out.position() > 0) {
      int n = socket.write(out.array(), 0, out.position(), 0);
      if (n <= 0) {
        break;
      }
      total += n;
      out.flip();
      out.position(n);
      out.compact();
    }
    return total;
  }

  /** Says to the client that this is the end, or why the handshake failed, as far as it listens. */
  void farewell(Socket socket) {
    engine.closeOutbound();
    try {
      for (int i = 0; i < 4 && !engine.isOutboundDone(); i++) {
        if (seal(NOTHING.array(), 0, 0) < 0 && !hasOutput()) {
          break;
        }
      }
      flush(socket);
    } catch (IOException e) {
      // it has gone already
    }
  }

  /** Whether the client has shown a certificate that was verified. */
  boolean certified() {
    try {
      return established && engine.getSession().getPeerCertificates().length > 0;
    } catch (SSLPeerUnverifiedException e) {
      return false;
    }
  }

  boolean established() {
    return established;
  }
}
