package dev.sonde.exporter.http;

import java.util.Locale;

/**
 * A request's first line, checked.
 *
 * @param path without query
 */
record RequestLine(String method, String path, boolean http11) {
  /**
   * @param line without its CRLF
   */
  static RequestLine parse(String line) throws Refusal {
    String[] words = line.split(" ", -1);
    if (words.length != 3 || !isToken(words[0])) {
      throw Refusal.bad("the request line is not `METHOD /path HTTP/1.1`");
    }
    boolean http11 = http11(words[2]);
    return new RequestLine(words[0], path(words[1]), http11);
  }

  private static boolean http11(String version) throws Refusal {
    if (!version.matches("HTTP/[0-9]\\.[0-9]")) {
      throw Refusal.bad("the request line does not end in HTTP/1.1");
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
      throw Refusal.bad("the request target is no path");
    }
    int end = path.indexOf('?');
    return end < 0 ? path : path.substring(0, end);
  }

  static boolean isToken(String s) {
    for (int i = 0; i < s.length(); i++) {
      char c = s.charAt(i);
      boolean letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
      if (!letter && "!#$%&'*+-.^_`|~".indexOf(c) < 0) {
        return false;
      }
    }
    return !s.isEmpty();
  }
}
