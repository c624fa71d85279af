package dev.sonde.exporter.grpc;

/**
 * A metric's name, or a pattern in which {@code *} stands for any run of characters: {@code
 * sonde_tcp_*}.
 */
record MetricPattern(String pattern) {
  static MetricPattern parse(String field, String pattern) throws InvalidRequestException {
    if (pattern.isEmpty() || pattern.length() > GrpcLimits.METRIC_LENGTH) {
      throw new InvalidRequestException(
          field,
          "has " + pattern.length() + " characters, expected 1 to " + GrpcLimits.METRIC_LENGTH);
    }
    for (int i = 0; i < pattern.length(); i++) {
      char c = pattern.charAt(i);
      boolean fine =
          (c >= 'a' && c <= 'z')
              || (c >= 'A' && c <= 'Z')
              || (c >= '0' && c <= '9')
              || c == '_'
              || c == ':'
              || c == '*';
      if (!fine) {
        throw new InvalidRequestException(
            field,
            "\""
                + pattern
                + "\" is no metric name or pattern: only letters, digits, _ : and * (any run of"
                + " characters); labels go to `matchers`");
      }
    }
    return new MetricPattern(pattern);
  }

  /**
   * Whether the whole name matches. Going back only to the last star keeps it at most pattern x
   * name steps, whatever the pattern.
   */
  boolean matches(String name) {
    int p = 0;
    int n = 0;
    int star = -1;
    int starAt = 0;
    while (n < name.length()) {
      if (p < pattern.length() && pattern.charAt(p) == '*') {
        star = p++;
        starAt = n;
      } else if (p < pattern.length() && pattern.charAt(p) == name.charAt(n)) {
        p++;
        n++;
      } else if (star >= 0) {
        p = star + 1;
        n = ++starAt;
      } else {
        return false;
      }
    }
    while (p < pattern.length() && pattern.charAt(p) == '*') {
      p++;
    }
    return p == pattern.length();
  }
}
