package dev.sonde.exporter.http;

import org.jspecify.annotations.Nullable;

/**
 * What the endpoint needs to know of a request; everything else was checked and dropped.
 *
 * @param method as sent, {@code GET}
 * @param path without query, {@code /metrics}
 * @param keepAlive whether the client wants to use the connection again
 * @param authorization the header's value, a secret: not for logs
 * @param http11 whether it speaks 1.1 rather than 1.0
 */
record Request(
    String method,
    String path,
    boolean http11,
    boolean keepAlive,
    @Nullable String accept,
    @Nullable String acceptEncoding,
    @Nullable String authorization) {
  boolean isHead() {
    return method.equals("HEAD");
  }
}
