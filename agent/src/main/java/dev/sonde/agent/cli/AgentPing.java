package dev.sonde.agent.cli;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.sonde.agent.config.Endpoint;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Optional;

/**
 * Whether an agent answers at an endpoint, by one request on a plain socket.
 *
 * @param endpoint as configured; {@code off} if none
 * @param detail the first line of what came back, or why nothing did
 */
record AgentPing(String endpoint, State state, String detail) {
  /** What is there. */
  enum State {
    /** An agent with live data. */
    READY,
    /** An agent without. */
    NOT_READY,
    /** Nobody. */
    ABSENT,
    /** Somebody else. */
    OTHER
  }

  private static final int TIMEOUT_MILLIS = 1_000;
  private static final int REPLY_LIMIT = 4_096;
  private static final int SETTINGS = 4;

  /** RFC 9113, 3.4: the client's preface and an empty SETTINGS frame. */
  private static final byte[] HTTP2_PREFACE =
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0".getBytes(StandardCharsets.ISO_8859_1);

  static AgentPing http(Endpoint endpoint) {
    String request = "GET /readyz HTTP/1.1\r\nHost: " + endpoint + "\r\nConnection: close\r\n\r\n";
    try {
      byte[] reply = ask(endpoint, request.getBytes(StandardCharsets.ISO_8859_1), REPLY_LIMIT);
      String text = new String(reply, StandardCharsets.UTF_8);
      String status = text.lines().findFirst().orElse("");
      int body = text.indexOf("\r\n\r\n");
      String reason = body < 0 ? "" : text.substring(body + 4).lines().findFirst().orElse("");
      if (status.startsWith("HTTP/1.1 200")) {
        return new AgentPing(endpoint.toString(), State.READY, reason);
      }
      if (status.startsWith("HTTP/1.1 400") && reason.contains("speaks TLS")) {
        return new AgentPing(endpoint.toString(), State.READY, "TLS"); // only ours says so
      }
      return status.startsWith("HTTP/1.1 503")
          ? new AgentPing(endpoint.toString(), State.NOT_READY, reason)
          : new AgentPing(endpoint.toString(), State.OTHER, status);
    } catch (IOException e) {
      return failed(endpoint, e);
    }
  }

  static AgentPing grpc(Optional<Endpoint> where) {
    if (where.isEmpty()) {
      return new AgentPing("off", State.ABSENT, "off");
    }
    Endpoint endpoint = where.get();
    try {
      byte[] reply = ask(endpoint, HTTP2_PREFACE, 9);
      // The server's own preface is a SETTINGS frame: RFC 9113, 3.4.
      return reply.length == 9 && reply[3] == SETTINGS
          ? new AgentPing(endpoint.toString(), State.READY, "HTTP/2")
          : new AgentPing(endpoint.toString(), State.OTHER, "no HTTP/2");
    } catch (IOException e) {
      return failed(endpoint, e);
    }
  }

  private static AgentPing failed(Endpoint endpoint, IOException e) {
    boolean silent = e instanceof SocketTimeoutException;
    return new AgentPing(
        endpoint.toString(),
        silent ? State.OTHER : State.ABSENT,
        silent ? "no answer within a second" : String.valueOf(e.getMessage()));
  }

  private static byte[] ask(Endpoint endpoint, byte[] request, int limit) throws IOException {
    try (Socket socket = new Socket()) {
      socket.connect(endpoint.address(), TIMEOUT_MILLIS);
      socket.setSoTimeout(TIMEOUT_MILLIS);
      socket.getOutputStream().write(request);
      InputStream in = socket.getInputStream();
      return in.readNBytes(limit);
    }
  }

  String text() {
    String about = detail.replaceAll("\\p{Cntrl}", "?");
    return switch (state) {
      case READY -> "answers at " + endpoint;
      case NOT_READY -> "is not ready at " + endpoint + " (" + about + ")";
      case ABSENT -> detail.equals("off") ? "is off" : "does not answer at " + endpoint;
      case OTHER -> "does not understand at " + endpoint + " (" + about + ")";
    };
  }

  void write(JsonGenerator json, String name) throws IOException {
    json.writeObjectFieldStart(name);
    json.writeStringField("endpoint", endpoint);
    json.writeStringField("state", state.name().toLowerCase(Locale.ROOT));
    json.writeStringField("detail", detail);
    json.writeEndObject();
  }
}
