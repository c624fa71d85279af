package dev.sonde.exporter.http;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Cuts a connection's bytes into requests, strictly: whatever two readers could understand
 * differently is refused (RFC 9112), and nothing grows beyond its limit.
 *
 * <p>Owned by one connection, which serialises the calls. Keeps only bytes it has not consumed.
 */
final class RequestParser {
  private static final Parsed INCOMPLETE = new Parsed.Incomplete();
  private static final Parsed EXPECTING = new Parsed.Expecting();

  private final HttpConfig.RequestLimits limits;
  private byte[] buffer = new byte[1024];
  private int start;
  private int end;

  /** Bytes from {@code start} that were already looked at. */
  private int scanned;

  private int lineStart;
  private int headersStart;
  private int lines;

  private RequestLine line = new RequestLine("", "", false);
  private @Nullable RequestHead head;
  private long bodyLeft;
  private boolean continueDue;

  RequestParser(HttpConfig.RequestLimits limits) {
    this.limits = limits;
  }

  /** How many more bytes may be appended before some must be consumed. */
  int room() {
    return limits.line() + limits.headerBytes() + 4 - (end - start);
  }

  /** Bytes that belong to no request yet. */
  int buffered() {
    return end - start;
  }

  void append(byte[] src, int count) {
    if (count > buffer.length - end) {
      System.arraycopy(buffer, start, buffer, 0, end - start);
      end -= start;
      start = 0;
      if (count > buffer.length - end) {
        buffer = Arrays.copyOf(buffer, Math.max(2 * buffer.length, end + count));
      }
    }
    System.arraycopy(src, 0, buffer, end, count);
    end += count;
  }

  /** The next request, if it is whole. After {@link Parsed.Refused} never again. */
  Parsed next() {
    RequestHead whole = head;
    if (whole == null) {
      Parsed parsed = head();
      whole = head;
      if (whole == null) {
        return parsed;
      }
      bodyLeft = whole.contentLength();
      continueDue = whole.expectsContinue() && bodyLeft > 0;
    }
    int skip = (int) Math.min(bodyLeft, end - start);
    start += skip;
    bodyLeft -= skip;
    if (bodyLeft > 0) {
      boolean due = continueDue;
      continueDue = false;
      // some of the body is here already: the client does not wait
      return due && skip == 0 ? EXPECTING : INCOMPLETE;
    }
    head = null;
    return new Parsed.Complete(whole.request());
  }

  private Parsed head() {
    for (; start + scanned < end; scanned++) {
      int i = start + scanned;
      int b = buffer[i] & 0xFF;
      boolean inRequestLine = lines == 0;
      if (b == '\n') {
        if (scanned == lineStart || buffer[i - 1] != '\r') {
          return bad("a line ends in a bare line feed");
        }
        if (inRequestLine && scanned - 1 > limits.line()) {
          return tooLong();
        }
        if (scanned - 1 == lineStart && inRequestLine) {
          start += 2; // empty lines before a request are to be ignored
          scanned = -1;
          continue;
        }
        if (scanned - 1 == lineStart) {
          return complete(scanned + 1);
        }
        if (inRequestLine) {
          try {
            line = RequestLine.parse(text(start, i - 1));
          } catch (Refusal e) {
            return new Parsed.Refused(e.why, e.detail);
          }
          headersStart = scanned + 1;
        }
        if (lines++ > limits.headers()) {
          return new Parsed.Refused(
              Rejection.HEADERS_TOO_LARGE, "more than " + limits.headers() + " headers");
        }
        lineStart = scanned + 1;
      } else if (scanned > lineStart && buffer[i - 1] == '\r') {
        return bad("a carriage return inside a line");
      } else if (!legal(b, inRequestLine)) {
        return bad("not HTTP/1: byte 0x" + Integer.toHexString(b));
      } else if (inRequestLine && scanned > limits.line()) {
        return tooLong();
      } else if (!inRequestLine && scanned - headersStart > limits.headerBytes()) {
        return new Parsed.Refused(
            Rejection.HEADERS_TOO_LARGE, "headers of more than " + limits.headerBytes());
      }
    }
    return INCOMPLETE;
  }

  private static boolean legal(int b, boolean inRequestLine) {
    if (inRequestLine) {
      return b == '\r' || (b >= 0x20 && b < 0x7F);
    }
    return b == '\r' || b == '\t' || (b >= 0x20 && b != 0x7F);
  }

  private Parsed complete(int length) {
    String headers = text(start + headersStart, start + length);
    start += length;
    scanned = 0;
    lineStart = 0;
    lines = 0;
    try {
      head = RequestHead.parse(line, headers, limits.bodyBytes());
      return INCOMPLETE;
    } catch (Refusal e) {
      return new Parsed.Refused(e.why, e.detail);
    }
  }

  private String text(int from, int to) {
    return new String(buffer, from, to - from, StandardCharsets.ISO_8859_1);
  }

  private Parsed tooLong() {
    return new Parsed.Refused(
        Rejection.REQUEST_LINE_TOO_LONG, "request line of more than " + limits.line() + " bytes");
  }

  private static Parsed bad(String detail) {
    return new Parsed.Refused(Rejection.BAD_REQUEST, detail);
  }
}
