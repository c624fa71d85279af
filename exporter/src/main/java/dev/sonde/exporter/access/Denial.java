package dev.sonde.exporter.access;

import java.util.Locale;

/** Why somebody was not let in. */
public enum Denial {
  /** Neither a token that is known nor a certificate of the client CA. */
  UNAUTHORIZED,
  /** Something other than TLS on a port that speaks TLS. */
  PLAIN_TEXT,
  /** A client certificate of another CA, or expired, or not for clients. */
  CLIENT_CERTIFICATE,
  /** Any other handshake that failed; a client that does not trust our certificate is one. */
  TLS_HANDSHAKE;

  /** As a label value: {@code plain_text}. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}
