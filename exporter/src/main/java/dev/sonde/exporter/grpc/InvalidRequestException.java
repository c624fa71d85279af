package dev.sonde.exporter.grpc;

/** The request is wrong; the message names the field, its value and the limit. */
final class InvalidRequestException extends Exception {
  private static final long serialVersionUID = 1L;

  InvalidRequestException(String field, String problem) {
    super(field + ": " + problem);
  }
}
