package dev.sonde.exporter.http;

import java.io.IOException;
import one.nio.net.Session.QueueItem;
import one.nio.net.Socket;
import org.jspecify.annotations.Nullable;

/**
 * Bytes on their way to a client, written in slices.
 *
 * <p>The JDK copies what a heap buffer holds to native memory before every write and keeps a native
 * buffer of that size per thread: whole pages of 10 MB would cost quadratic copying and resident
 * memory for good.
 */
final class Outgoing extends QueueItem {
  private static final int SLICE = 1 << 16;

  private final byte[] data;
  private final int end;
  private final Runnable whenReleased;
  private final @Nullable TlsStream tls;
  private int position;
  private boolean released;

  /**
   * @param whenReleased called once, when the bytes are sent or the connection has ended
   * @param tls what encrypts them, if anything
   */
  Outgoing(byte[] data, int length, Runnable whenReleased, @Nullable TlsStream tls) {
    this.data = data;
    this.end = length;
    this.whenReleased = whenReleased;
    this.tls = tls;
  }

  @Override
  public int remaining() {
    return end - position + (tls == null ? 0 : tls.waiting());
  }

  @Override
  public int write(Socket socket) throws IOException {
    return tls == null ? writePlain(socket) : writeSealed(socket, tls);
  }

  /** A record at a time, and the next one only when the socket has taken the last. */
  private int writeSealed(Socket socket, TlsStream stream) throws IOException {
    int total = stream.flush(socket);
    while (position < end && !stream.hasOutput()) {
      int n = stream.seal(data, position, end - position);
      if (n < 0) {
        throw new IOException("TLS has ended before the answer");
      }
      position += n;
      total += stream.flush(socket);
    }
    return total;
  }

  private int writePlain(Socket socket) throws IOException {
    int total = 0;
    while (position < end) {
      int slice = Math.min(SLICE, end - position);
      int written = socket.write(data, position, slice, 0);
      if (written <= 0) {
        break;
      }
      position += written;
      total += written;
      if (written < slice) {
        break;
      }
    }
    return total;
  }

  @Override
  public void release() {
    if (!released) {
      released = true;
      whenReleased.run();
    }
  }
}
