package dev.sonde.exporter.http;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Request line and headers, checked.
 *
 * @param contentLength of the body that follows
 * @param expectsContinue whether the client waits for {@code 100 Continue}
 */
record RequestHead(Request request, long contentLength, boolean expectsContinue) {
  /**
   * @param text the header lines and the empty line, CRLF after each
   */
  static RequestHead parse(RequestLine line, String text, int maxBodyBytes) throws Refusal {
    Fields fields = new Fields();
    for (String header : text.split("\r\n", -1)) {
      if (!header.isEmpty()) {
        fields.add(header);
      }
    }
    fields.check(line.http11());
    long length = fields.contentLength(maxBodyBytes);
    boolean expects = fields.expect != null && line.http11();
    if (expects && !"100-continue".equalsIgnoreCase(fields.expect)) {
      throw new Refusal(Rejection.EXPECTATION_FAILED, "only 100-continue can be expected");
    }
    boolean keepAlive = !fields.close && (line.http11() || fields.keepAlive);
    Request request =
        new Request(
            line.method(),
            line.path(),
            line.http11(),
            keepAlive,
            fields.accept,
            fields.acceptEncoding,
            fields.authorization);
    return new RequestHead(request, length, expects);
  }

  /** The headers that matter, gathered line by line. */
  private static final class Fields {
    private final List<String> lengths = new ArrayList<>(1);
    private int hosts;
    private boolean close;
    private boolean keepAlive;
    private boolean transferEncoding;
    private @Nullable String expect;
    private @Nullable String accept;
    private @Nullable String acceptEncoding;
    private @Nullable String authorization;
    private int authorizations;

    void add(String line) throws Refusal {
      if (line.charAt(0) == ' ' || line.charAt(0) == '\t') {
        throw Refusal.bad("a header is folded over two lines");
      }
      int colon = line.indexOf(':');
      if (colon < 0 || !RequestLine.isToken(line.substring(0, colon))) {
        throw Refusal.bad("a header line is not `Name: value`");
      }
      String value = line.substring(colon + 1).strip();
      switch (line.substring(0, colon).toLowerCase(Locale.ROOT)) {
        case "host" -> hosts++;
        case "content-length" -> lengths.add(value);
        case "transfer-encoding" -> transferEncoding = true;
        case "expect" -> expect = value;
        case "accept" -> accept = accept == null ? value : accept + "," + value;
        case "accept-encoding" ->
            acceptEncoding = acceptEncoding == null ? value : acceptEncoding + "," + value;
        case "authorization" -> {
          authorization = value;
          authorizations++;
        }
        case "connection" -> connection(value);
        default -> {
          // nothing that matters here
        }
      }
    }

    private void connection(String value) {
      for (String option : value.split(",", -1)) {
        close |= option.strip().equalsIgnoreCase("close");
        keepAlive |= option.strip().equalsIgnoreCase("keep-alive");
      }
    }

    void check(boolean http11) throws Refusal {
      if (transferEncoding && !lengths.isEmpty()) {
        throw Refusal.bad("both Transfer-Encoding and Content-Length");
      }
      if (transferEncoding) {
        throw new Refusal(Rejection.TRANSFER_ENCODING, "no Transfer-Encoding is understood here");
      }
      if (authorizations > 1) {
        throw Refusal.bad("more than one Authorization header");
      }
      if (hosts > 1 || (http11 && hosts == 0)) {
        throw Refusal.bad("HTTP/1.1 needs exactly one Host header");
      }
    }

    long contentLength(int max) throws Refusal {
      if (lengths.isEmpty()) {
        return 0;
      }
      String length = lengths.getFirst();
      if (lengths.size() > 1 || !length.matches("[0-9]{1,18}")) {
        throw Refusal.bad("Content-Length is not one number");
      }
      if (Long.parseLong(length) > max) {
        throw new Refusal(Rejection.BODY_TOO_LARGE, "a body of more than " + max + " bytes");
      }
      return Long.parseLong(length);
    }
  }
}
