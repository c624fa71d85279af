package dev.sonde.exporter.http;

import dev.sonde.exporter.model.Readiness;
import java.util.Set;
import java.util.function.Supplier;

/** Every answer but the scrape: made in microseconds, on the selector thread. */
final class Pages {
  /** What a kubelet's probe asks without credentials. */
  static final Set<String> OPEN = Set.of("/healthz", "/readyz");

  private static final String INDEX =
      """
      <!doctype html>
      <html lang="en"><head><meta charset="utf-8"><title>Sonde</title></head>
      <body><h1>Sonde</h1><ul>
      <li><a href="/metrics">/metrics</a>: Prometheus exposition</li>
      <li><a href="/healthz">/healthz</a>: the process lives</li>
      <li><a href="/readyz">/readyz</a>: a scrape has live kernel data</li>
      </ul></body></html>
      """;

  private final Supplier<Readiness> readiness;

  Pages(Supplier<Readiness> readiness) {
    this.readiness = readiness;
  }

  Response answer(Request request) {
    boolean read = request.method().equals("GET") || request.isHead();
    return switch (request.path()) {
      case "/", "/healthz", "/readyz", "/metrics" ->
          read ? page(request.path()) : notAllowed(request.method());
      default ->
          Response.text(404, "Not Found", "no such page; there are / /metrics /healthz /readyz");
    };
  }

  private Response page(String path) {
    return switch (path) {
      case "/" -> Response.html(INDEX);
      case "/healthz" -> Response.text(200, "OK", "ok");
      default -> ready();
    };
  }

  private Response ready() {
    return switch (readiness.get()) {
      case Readiness.Ready() -> Response.text(200, "OK", "ready");
      case Readiness.NotReady(String reason) ->
          Response.text(503, "Service Unavailable", reason, "Retry-After: 1");
    };
  }

  private static Response notAllowed(String method) {
    return Response.text(
        405, "Method Not Allowed", method + " is not allowed here", "Allow: GET, HEAD");
  }
}
