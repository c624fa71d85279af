package dev.sonde.exporter.http;

/** What must be answered with an error and a closed connection. */
final class Refusal extends Exception {
  private static final long serialVersionUID = 1;
  final Rejection why;
  final String detail;

  /**
   * @param detail one line for whoever looks at the answer
   */
  Refusal(Rejection why, String detail) {
    super(detail, null, false, false);
    this.why = why;
    this.detail = detail;
  }

  static Refusal bad(String detail) {
    return new Refusal(Rejection.BAD_REQUEST, detail);
  }
}
