package dev.sonde.exporter.grpc;

import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * HTTP/2 frames by hand, for what no well-behaved client does: it obeys no limit that the server
 * announces. Headers are literals without compression (RFC 7541, 6.2.2). One thread.
 */
final class RawHttp2 implements AutoCloseable {
  static final int DATA = 0;
  static final int HEADERS = 1;
  static final int RST_STREAM = 3;
  static final int SETTINGS = 4;
  static final int WINDOW_UPDATE = 8;

  private static final int END_STREAM = 1;
  private static final int END_HEADERS = 4;

  private final Socket socket;
  private final OutputStream out;
  private final DataInputStream in;

  /**
   * A frame from the server.
   *
   * @param endsCall whether the server has nothing more to say on this stream
   */
  record Frame(int type, int stream, boolean endsCall) {}

  /**
   * Says hello.
   *
   * @param window how many bytes the server may send on each stream
   */
  RawHttp2(int port, int window) throws IOException {
    socket = new Socket(InetAddress.ofLiteral("127.0.0.1"), port);
    out = socket.getOutputStream();
    in = new DataInputStream(socket.getInputStream());
    out.write(ascii("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
    // SETTINGS_INITIAL_WINDOW_SIZE
    frame(SETTINGS, 0, 0, ByteBuffer.allocate(6).putShort((short) 4).putInt(window).array());
  }

  /** Lets the server send 2 GB on this connection; without it, 64 KB. */
  void openConnectionWindow() throws IOException {
    byte[] increment = ByteBuffer.allocate(4).putInt(Integer.MAX_VALUE - 65_535).array();
    frame(WINDOW_UPDATE, 0, 0, increment);
  }

  /** Begins a call without a request. */
  void open(int stream, String method) throws IOException {
    ByteArrayOutputStream headers = new ByteArrayOutputStream();
    headers.write(0x83); // :method POST
    headers.write(0x86); // :scheme http
    headers.write(0x04); // :path
    string(headers, "/" + method);
    literal(headers, "content-type", "application/grpc");
    literal(headers, "te", "trailers");
    frame(HEADERS, END_HEADERS, stream, headers.toByteArray());
  }

  /** A whole call: an empty request. */
  void call(int stream, String method) throws IOException {
    open(stream, method);
    frame(DATA, END_STREAM, stream, new byte[5]);
  }

  /** Any bytes of a request's body. */
  void data(int stream, byte[] body) throws IOException {
    frame(DATA, 0, stream, body);
  }

  void reset(int stream) throws IOException {
    frame(RST_STREAM, 0, stream, new byte[] {0, 0, 0, 8});
  }

  void flush() throws IOException {
    out.flush();
  }

  /** The next frame; EOFException if the server closed. */
  Frame read() throws IOException {
    int lengthAndType = in.readInt();
    int flags = in.readUnsignedByte();
    int stream = in.readInt() & Integer.MAX_VALUE;
    int type = lengthAndType & 0xff;
    in.skipNBytes(lengthAndType >>> 8);
    boolean ends =
        type == RST_STREAM || ((type == DATA || type == HEADERS) && (flags & END_STREAM) != 0);
    return new Frame(type, stream, ends);
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }

  private void frame(int type, int flags, int stream, byte[] body) throws IOException {
    byte[] frame =
        ByteBuffer.allocate(9 + body.length)
            .putInt(body.length << 8 | type)
            .put((byte) flags)
            .putInt(stream)
            .put(body)
            .array();
    out.write(frame);
  }

  private static void literal(ByteArrayOutputStream to, String name, String value) {
    to.write(0);
    string(to, name);
    string(to, value);
  }

  private static void string(ByteArrayOutputStream to, String s) {
    to.write(s.length());
    byte[] bytes = ascii(s);
    to.write(bytes, 0, bytes.length);
  }

  private static byte[] ascii(String s) {
    return s.getBytes(StandardCharsets.US_ASCII);
  }
}
