package dev.sonde.exporter.http;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * A small answer that needs no rendering.
 *
 * @param headers whole lines without CRLF, besides Content-Type, Content-Length and Connection
 */
record Response(int status, String phrase, String contentType, List<String> headers, String text) {
  private static final String TEXT = "text/plain; charset=utf-8";

  static Response text(int status, String phrase, String body, String... headers) {
    return new Response(status, phrase, TEXT, List.of(headers), body + "\n");
  }

  static Response html(String body) {
    return new Response(200, "OK", "text/html; charset=utf-8", List.of(), body);
  }

  /** RFC 6750, 3: what is wanted, and nothing of what was sent. */
  static Response unauthorized() {
    return text(
        401,
        "Unauthorized",
        "a token is needed (Authorization: Bearer ...), or a client certificate",
        "WWW-Authenticate: Bearer realm=\"sonde\"");
  }

  static Response of(Rejection why, String detail) {
    return switch (why) {
      case TOO_MANY_CONNECTIONS, BUSY -> text(why.status(), why.phrase(), detail, "Retry-After: 1");
      case BAD_REQUEST,
          HEADER_TIMEOUT,
          BODY_TOO_LARGE,
          REQUEST_LINE_TOO_LONG,
          EXPECTATION_FAILED,
          HEADERS_TOO_LARGE,
          TRANSFER_ENCODING,
          HTTP_VERSION,
          SLOW_READER ->
          text(why.status(), why.phrase(), detail);
    };
  }

  byte[] body() {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  /** Status line and headers as they go out. */
  byte[] head(boolean close) {
    List<String> all = new ArrayList<>(headers);
    all.add("Content-Length: " + body().length);
    return head(status, phrase, contentType, all, close);
  }

  static byte[] head(
      int status, String phrase, String contentType, List<String> headers, boolean close) {
    StringBuilder out = new StringBuilder(256);
    out.append("HTTP/1.1 ").append(status).append(' ').append(phrase).append("\r\n");
    out.append("Content-Type: ").append(contentType).append("\r\n");
    for (String header : headers) {
      out.append(header).append("\r\n");
    }
    out.append("Connection: ").append(close ? "close" : "keep-alive").append("\r\n\r\n");
    return out.toString().getBytes(StandardCharsets.ISO_8859_1);
  }
}
