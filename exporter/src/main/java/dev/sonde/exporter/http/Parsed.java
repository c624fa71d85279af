package dev.sonde.exporter.http;

/** What the parser made of the bytes so far. */
sealed interface Parsed {
  /** Not yet a whole request. */
  record Incomplete() implements Parsed {}

  /** The client waits for {@code 100 Continue} before it sends its body. */
  record Expecting() implements Parsed {}

  /** A whole request, its body already dropped. */
  record Complete(Request request) implements Parsed {}

  /**
   * What follows cannot be trusted: answer and close.
   *
   * @param detail one line for whoever looks at the answer
   */
  record Refused(Rejection why, String detail) implements Parsed {}
}
