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
  /** Thrown by {@link #parse} for what must be answered with an error and a closed connection. */
  static final class Refusal extends Exception {
    private static final long serialVersionUID = 1;
    final Rejection why;
    final String detail;

    Refusal(Rejection why, String detail) {
      super(detail, null, false, false);
      this.why = why;
      this.detail = detail;
    }
  }

  /**
   * @param text from the request line to the empty line, CRLF after each
   */
  static RequestHead parse(String text, int maxBodyBytes) throws Refusal {
    String[] lines = text.split("\r\n", -1);
    String[] first = lines[0].split(" ", -1);
    if (first.length != 3 || !isToken(first[0])) {
      throw bad("the request line is not `METHOD /path HTTP/1.1`");
    }
    boolean http11 = http11(first[2]);
    Fields fields = new Fields();
    for (int i = 1; i < lines.length && !lines[i].isEmpty(); i++) {
      fields.add(lines[i]);
    }
    fields.check(http11);
    long length = fields.contentLength(maxBodyBytes);
    boolean expects = fields.expect != null && http11;
    if (expects && !"100-continue".equalsIgnoreCase(fields.expect)) {
      throw new Refusal(Rejection.EXPECTATION_FAILED, "only 100-continue can be expected");
    }
    boolean keepAlive = !fields.close && (http11 || fields.keepAlive);
    Request request =
        new Request(
            first[0], path(first[1]), http11, keepAlive, fields.accept, fields.acceptEncoding);
    return new RequestHead(request, length, expects);
  }

  private static boolean http11(String version) throws Refusal {
    if (!version.matches("HTTP/[0-9]\\.[0-9]")) {
      throw bad("the request line does not end in HTTP/1.1");
    }
    if (version.charAt(5) != '1') {
      throw new Refusal(Rejection.HTTP_VERSION, "only HTTP/1.0 and HTTP/1.1 are spoken here");
    }
    return version.charAt(7) != '0';
  }

  private static String path(String target) throws Refusal {
    String path = target;
    String lower = target.toLowerCase(Locale.ROOT);
    if (lower.startsWith("http://") || lower.startsWith("https://")) {
      int slash = target.indexOf('/', target.indexOf("//") + 2);
      path = slash < 0 ? "/" : target.substring(slash);
    } else if (!target.startsWith("/") && !target.equals("*")) {
      throw bad("the request target is no path");
    }
    int end = path.indexOf('?');
    return end < 0 ? path : path.substring(0, end);
  }

  private static boolean isToken(String s) {
    for (int i = 0; i < s.length(); i++) {
      char c = s.charAt(i);
      boolean letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
      if (!letter && "!#$%&'*+-.^_`|~".indexOf(c) < 0) {
        return false;
      }
    }
    return !s.isEmpty();
  }

  private static Refusal bad(String detail) {
    return new Refusal(Rejection.BAD_REQUEST, detail);
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

    void add(String line) throws Refusal {
      if (line.charAt(0) == ' ' || line.charAt(0) == '\t') {
        throw bad("a header is folded over two lines");
      }
      int colon = line.indexOf(':');
      if (colon < 0 || !isToken(line.substring(0, colon))) {
        throw bad("a header line is not `Name: value`");
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
        throw bad("both Transfer-Encoding and Content-Length");
      }
      if (transferEncoding) {
        throw new Refusal(Rejection.TRANSFER_ENCODING, "no Transfer-Encoding is understood here");
      }
      if (hosts > 1 || (http11 && hosts == 0)) {
        throw bad("HTTP/1.1 needs exactly one Host header");
      }
    }

    long contentLength(int max) throws Refusal {
      if (lengths.isEmpty()) {
        return 0;
      }
      String length = lengths.getFirst();
      if (lengths.size() > 1 || !length.matches("[0-9]{1,18}")) {
        throw bad("Content-Length is not one number");
      }
      if (Long.parseLong(length) > max) {
        throw new Refusal(Rejection.BODY_TOO_LARGE, "a body of more than " + max + " bytes");
      }
      return Long.parseLong(length);
    }
  }
}
