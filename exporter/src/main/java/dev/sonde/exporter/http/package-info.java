/**
 * The agent's HTTP endpoint: {@code /metrics}, {@code /healthz}, {@code /readyz} and an index.
 *
 * <p>{@link dev.sonde.exporter.http.HttpFrontend} is what the agent sees; {@link
 * dev.sonde.exporter.http.OneNioFrontend} is the one transport so far. One-nio moves bytes between
 * sockets and our {@code RequestParser}; its own HTTP session is not used, since it takes a chunked
 * body for the next request, never times out a header and ignores {@code Expect}.
 */
package dev.sonde.exporter.http;
