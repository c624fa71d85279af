package dev.sonde.exporter.access;

/** A certificate or key that cannot be used, in one line: what, and what to do. */
public final class CertificateException extends Exception {
  private static final long serialVersionUID = 1;

  public CertificateException(String message) {
    super(message);
  }
}
