package dev.sonde.exporter.http;

import java.time.Duration;
import java.util.Objects;

/**
 * How the endpoint listens and what it puts up with.
 *
 * <pre>{@code
 * HttpConfig.listen("127.0.0.1", 9520).withClassicHistograms(false)
 * }</pre>
 *
 * @param host address or name to listen on
 * @param port 0 takes any free one
 * @param maxConnections further ones get 503 at once
 * @param headerDeadline from the first byte of a request (or from accepting) to its last, body
 *     included; then 408
 * @param idleTime how long a kept-alive connection may be silent
 * @param sendDeadline how long a client may take to read one answer
 * @param maxRequestLine bytes; then 414
 * @param maxHeaderBytes all header lines together; then 431
 * @param maxHeaders then 431
 * @param maxBodyBytes bodies are read and ignored; then 413
 * @param renderThreads scrapes rendered at once
 * @param renderQueue scrapes that may wait for that; then 503 with Retry-After
 * @param classicHistograms whether histograms also have their classic buckets
 */
public record HttpConfig(
    String host,
    int port,
    int maxConnections,
    Duration headerDeadline,
    Duration idleTime,
    Duration sendDeadline,
    int maxRequestLine,
    int maxHeaderBytes,
    int maxHeaders,
    int maxBodyBytes,
    int renderThreads,
    int renderQueue,
    boolean classicHistograms) {
  public HttpConfig {
    Objects.requireNonNull(host, "host");
    if (port < 0 || port > 65535) {
      throw new IllegalArgumentException("port " + port + " is not in 0..65535");
    }
    atLeastOne("maxConnections", maxConnections);
    atLeastOne("renderThreads", renderThreads);
    atLeastOne("renderQueue", renderQueue);
  }

  /** The defaults, on one address. */
  public static HttpConfig listen(String host, int port) {
    return new HttpConfig(
        host,
        port,
        128,
        Duration.ofSeconds(5),
        Duration.ofSeconds(120),
        Duration.ofSeconds(30),
        4096,
        16384,
        64,
        65536,
        2,
        8,
        true);
  }

  public HttpConfig withMaxConnections(int n) {
    return new HttpConfig(
        host,
        port,
        n,
        headerDeadline,
        idleTime,
        sendDeadline,
        maxRequestLine,
        maxHeaderBytes,
        maxHeaders,
        maxBodyBytes,
        renderThreads,
        renderQueue,
        classicHistograms);
  }

  public HttpConfig withDeadlines(Duration header, Duration idle, Duration send) {
    return new HttpConfig(
        host,
        port,
        maxConnections,
        header,
        idle,
        send,
        maxRequestLine,
        maxHeaderBytes,
        maxHeaders,
        maxBodyBytes,
        renderThreads,
        renderQueue,
        classicHistograms);
  }

  public HttpConfig withRendering(int threads, int queue) {
    return new HttpConfig(
        host,
        port,
        maxConnections,
        headerDeadline,
        idleTime,
        sendDeadline,
        maxRequestLine,
        maxHeaderBytes,
        maxHeaders,
        maxBodyBytes,
        threads,
        queue,
        classicHistograms);
  }

  public HttpConfig withClassicHistograms(boolean classic) {
    return new HttpConfig(
        host,
        port,
        maxConnections,
        headerDeadline,
        idleTime,
        sendDeadline,
        maxRequestLine,
        maxHeaderBytes,
        maxHeaders,
        maxBodyBytes,
        renderThreads,
        renderQueue,
        classic);
  }

  private static void atLeastOne(String what, int n) {
    if (n < 1) {
      throw new IllegalArgumentException(what + " " + n + " is less than 1");
    }
  }
}
