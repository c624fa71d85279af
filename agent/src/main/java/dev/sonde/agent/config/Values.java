package dev.sonde.agent.config;

import dev.sonde.agent.log.LogLevel;
import java.math.BigDecimal;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;

/** The parsers of simple values; {@link Quantities} has those with units. */
final class Values {
  /** What switches an optional endpoint off. */
  static final String OFF = "off";

  private Values() {}

  static boolean bool(String text) throws BadValueException {
    return switch (text.toLowerCase(Locale.ROOT)) {
      case "true", "yes", "on", "1" -> true;
      case "false", "no", OFF, "0" -> false;
      default -> throw new BadValueException("neither true nor false");
    };
  }

  /** A whole number from {@code min} to {@code max}. */
  static ValueParser<Integer> integer(int min, int max) {
    return text -> {
      if (isPlain(text)) {
        int plain = Integer.parseInt(text);
        if (plain >= min && plain <= max) {
          return plain;
        }
      }
      BigDecimal value;
      try {
        value = new BigDecimal(text.replace("_", ""));
      } catch (NumberFormatException e) {
        throw new BadValueException("not a number");
      }
      if (value.stripTrailingZeros().scale() > 0) {
        throw new BadValueException("not a whole number");
      }
      if (value.compareTo(BigDecimal.valueOf(min)) < 0
          || value.compareTo(BigDecimal.valueOf(max)) > 0) {
        throw new BadValueException("not from " + min + " to " + max);
      }
      return value.intValueExact();
    };
  }

  /**
   * A number as every default is one. BigDecimal, for all others, computes tables when its class is
   * initialised, which cost 20 ms of a start and as much again to compile.
   */
  private static boolean isPlain(String text) {
    int length = text.length();
    boolean plain = length > 0 && length < 10;
    for (int i = 0; plain && i < length; i++) {
      plain = text.charAt(i) >= '0' && text.charAt(i) <= '9';
    }
    return plain;
  }

  /** {@code host:port}, {@code [v6]:port}. */
  static Endpoint endpoint(String text) throws BadValueException {
    int colon = text.lastIndexOf(':');
    if (colon < 0 || text.endsWith("]")) {
      throw new BadValueException("no port");
    }
    String host = text.substring(0, colon);
    if (host.isEmpty()) {
      throw new BadValueException("no host (all interfaces: 0.0.0.0" + text + ")");
    }
    boolean bracketed = host.startsWith("[") && host.endsWith("]");
    if (bracketed) {
      host = host.substring(1, host.length() - 1);
    }
    boolean v4 = !host.isEmpty() && host.chars().allMatch(c -> c == '.' || (c >= '0' && c <= '9'));
    // [$(POD_IP)]:9520 in a manifest must do for both families.
    if (host.contains(":") != bracketed && !(bracketed && v4)) {
      throw new BadValueException("an IPv6 address stands in brackets, and no name does");
    }
    if (host.isEmpty() || host.chars().anyMatch(c -> c <= ' ' || c == '/' || c == '@')) {
      throw new BadValueException("no host name or address before the port");
    }
    String port = text.substring(colon + 1);
    // Not Integer.parseInt at once: it takes "+1" and digits of other scripts.
    if (port.isEmpty()
        || port.length() > 5
        || !port.chars().allMatch(c -> c >= '0' && c <= '9')
        || Integer.parseInt(port) > 65535) {
      throw new BadValueException("the port is not a number from 0 to 65535");
    }
    return new Endpoint(host, Integer.parseInt(port));
  }

  /** An endpoint, or {@code off}. */
  static Optional<Endpoint> optionalEndpoint(String text) throws BadValueException {
    return text.equalsIgnoreCase(OFF) ? Optional.empty() : Optional.of(endpoint(text));
  }

  /** {@code https://host:port}, or {@code off}. Plain HTTP would show the token to the network. */
  static Optional<URI> httpsEndpoint(String text) throws BadValueException {
    if (text.equalsIgnoreCase(OFF)) {
      return Optional.empty();
    }
    URI uri;
    try {
      uri = new URI(text);
    } catch (URISyntaxException e) {
      throw new BadValueException("not a URL: " + e.getReason());
    }
    if (!"https".equals(uri.getScheme()) || uri.getHost() == null) {
      throw new BadValueException("not https://HOST:PORT");
    }
    if (uri.getUserInfo() != null || uri.getQuery() != null || uri.getFragment() != null) {
      throw new BadValueException("more than https://HOST:PORT");
    }
    return Optional.of(uri);
  }

  static Path path(String text) throws BadValueException {
    if (text.isEmpty()) {
      throw new BadValueException("empty path");
    }
    try {
      return Path.of(text);
    } catch (InvalidPathException e) {
      throw new BadValueException("not a path: " + e.getReason());
    }
  }

  static Path directory(String text) throws BadValueException {
    Path path = path(text);
    if (!path.isAbsolute()) {
      throw new BadValueException("not an absolute path");
    }
    return path;
  }

  /** A path; no text, no path. */
  static Optional<Path> optionalPath(String text) throws BadValueException {
    return text.isEmpty() ? Optional.empty() : Optional.of(path(text));
  }

  /** The value of a label that names this node. */
  static String nodeName(String text) throws BadValueException {
    if (text.length() > 253) {
      throw new BadValueException("longer than 253 characters");
    }
    if (text.isEmpty() || text.chars().anyMatch(c -> c <= ' ' || c == 0x7f)) {
      throw new BadValueException("empty, or with blanks in it");
    }
    return text;
  }

  static LogLevel logLevel(String text) throws BadValueException {
    for (LogLevel level : LogLevel.values()) {
      if (level.text().equalsIgnoreCase(text)) {
        return level;
      }
    }
    throw new BadValueException(
        "not one of "
            + Arrays.stream(LogLevel.values())
                .map(LogLevel::text)
                .collect(Collectors.joining(", ")));
  }
}
