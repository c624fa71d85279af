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
 */
public record HttpConfig(
    String host,
    int port,
    int maxConnections,
    Deadlines deadlines,
    RequestLimits limits,
    Rendering rendering) {

  /**
   * How long a client may take.
   *
   * @param header from the first byte of a request (or from accepting) to its last, body included;
   *     then 408
   * @param idle how long a kept-alive connection may be silent
   * @param send how long a client may take to read one answer
   */
  public record Deadlines(Duration header, Duration idle, Duration send) {
    static final Deadlines DEFAULT =
        new Deadlines(Duration.ofSeconds(5), Duration.ofSeconds(120), Duration.ofSeconds(30));
  }

  /**
   * How large a request may be.
   *
   * @param line bytes of the request line; then 414
   * @param headerBytes all header lines together; then 431
   * @param headers then 431
   * @param bodyBytes bodies are read and ignored; then 413
   */
  public record RequestLimits(int line, int headerBytes, int headers, int bodyBytes) {
    static final RequestLimits DEFAULT = new RequestLimits(4096, 16384, 64, 65536);
  }

  /**
   * How pages are made.
   *
   * @param threads scrapes rendered at once
   * @param queue scrapes that may wait for that; then 503 with Retry-After
   * @param classicHistograms whether histograms also have their classic buckets
   */
  public record Rendering(int threads, int queue, boolean classicHistograms) {
    static final Rendering DEFAULT = new Rendering(2, 8, true);

    public Rendering {
      atLeastOne("threads that render", threads);
      atLeastOne("scrapes that may wait", queue);
    }
  }

  public HttpConfig {
    Objects.requireNonNull(host, "host");
    if (port < 0 || port > 65535) {
      throw new IllegalArgumentException("port " + port + " is not in 0..65535");
    }
    atLeastOne("maxConnections", maxConnections);
  }

  /** The defaults, on one address. */
  public static HttpConfig listen(String host, int port) {
    return new HttpConfig(
        host, port, 128, Deadlines.DEFAULT, RequestLimits.DEFAULT, Rendering.DEFAULT);
  }

  public HttpConfig withMaxConnections(int n) {
    return new HttpConfig(host, port, n, deadlines, limits, rendering);
  }

  public HttpConfig withDeadlines(Duration header, Duration idle, Duration send) {
    Deadlines other = new Deadlines(header, idle, send);
    return new HttpConfig(host, port, maxConnections, other, limits, rendering);
  }

  public HttpConfig withRendering(int threads, int queue) {
    return with(new Rendering(threads, queue, rendering.classicHistograms()));
  }

  public HttpConfig withClassicHistograms(boolean classic) {
    return with(new Rendering(rendering.threads(), rendering.queue(), classic));
  }

  private HttpConfig with(Rendering other) {
    return new HttpConfig(host, port, maxConnections, deadlines, limits, other);
  }

  private static void atLeastOne(String what, int n) {
    if (n < 1) {
      throw new IllegalArgumentException(what + ": " + n + " is less than 1");
    }
  }
}
