package dev.sonde.exporter.http;

import java.util.Locale;

/** Why a request or connection was turned away, and with which status. */
public enum Rejection {
  BAD_REQUEST(400, "Bad Request"),
  HEADER_TIMEOUT(408, "Request Timeout"),
  BODY_TOO_LARGE(413, "Content Too Large"),
  REQUEST_LINE_TOO_LONG(414, "URI Too Long"),
  EXPECTATION_FAILED(417, "Expectation Failed"),
  HEADERS_TOO_LARGE(431, "Request Header Fields Too Large"),
  TRANSFER_ENCODING(501, "Not Implemented"),
  TOO_MANY_CONNECTIONS(503, "Service Unavailable"),
  BUSY(503, "Service Unavailable"),
  HTTP_VERSION(505, "HTTP Version Not Supported"),
  /** A client that does not read its answer; nothing can be told to it. */
  SLOW_READER(0, "");

  private final int status;
  private final String phrase;

  Rejection(int status, String phrase) {
    this.status = status;
    this.phrase = phrase;
  }

  /** The status sent, 0 if none could be. */
  public int status() {
    return status;
  }

  String phrase() {
    return phrase;
  }

  /** As a label value: {@code header_timeout}. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}
