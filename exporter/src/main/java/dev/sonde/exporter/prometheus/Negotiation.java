package dev.sonde.exporter.prometheus;

import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Which format and coding a scrape gets, from its {@code Accept} and {@code Accept-Encoding}.
 *
 * <p>Of the formats a client names, the one with the highest {@code q} wins, protobuf before
 * OpenMetrics before text where they are equal; {@code q=0} excludes. Whoever names none of ours
 * gets text, never 406: that is what Prometheus and every curl expect. For the headers Prometheus
 * sends this agrees with the official library, which ignores {@code q}.
 */
public final class Negotiation {
  private Negotiation() {}

  public static Format format(@Nullable String accept) {
    if (accept == null) {
      return Format.TEXT;
    }
    Map<Format, Double> asked = new EnumMap<>(Format.class);
    for (String range : accept.split(",", -1)) {
      Format format = named(range);
      if (format != null) {
        asked.merge(format, quality(range), Math::max);
      }
    }
    Format chosen = Format.TEXT;
    double best = 0;
    for (Map.Entry<Format, Double> e : asked.entrySet()) {
      if (e.getValue() > best) {
        chosen = e.getKey();
        best = e.getValue();
      }
    }
    return chosen;
  }

  /** Whether gzip may be used: named, or covered by {@code *}, and not with {@code q=0}. */
  public static boolean gzip(@Nullable String acceptEncoding) {
    if (acceptEncoding == null) {
      return false;
    }
    double wildcard = 0;
    for (String range : acceptEncoding.split(",", -1)) {
      String coding = token(range);
      if (coding.equals("gzip") || coding.equals("x-gzip")) {
        return quality(range) > 0;
      }
      if (coding.equals("*")) {
        wildcard = quality(range);
      }
    }
    return wildcard > 0;
  }

  private static @Nullable Format named(String range) {
    return switch (token(range)) {
      case "application/vnd.google.protobuf" -> {
        String proto = parameter(range, "proto");
        String encoding = parameter(range, "encoding");
        yield "io.prometheus.client.MetricFamily".equals(proto)
                && (encoding == null || encoding.equals("delimited"))
            ? Format.PROTOBUF
            : null;
      }
      case "application/openmetrics-text" -> Format.OPENMETRICS;
      // text/plain;version=1.0.0 is Prometheus 3's text with UTF-8 names; ours has none to quote
      case "text/plain", "text/*", "*/*" -> Format.TEXT;
      default -> null;
    };
  }

  private static String token(String range) {
    int end = range.indexOf(';');
    return (end < 0 ? range : range.substring(0, end)).strip().toLowerCase(Locale.ROOT);
  }

  private static double quality(String range) {
    String q = parameter(range, "q");
    if (q == null) {
      return 1;
    }
    try {
      double value = Double.parseDouble(q);
      return value >= 0 && value <= 1 ? value : 0;
    } catch (NumberFormatException e) {
      return 0;
    }
  }

  private static @Nullable String parameter(String range, String name) {
    String[] parts = range.split(";", -1);
    for (int i = 1; i < parts.length; i++) {
      int equals = parts[i].indexOf('=');
      if (equals > 0 && parts[i].substring(0, equals).strip().equalsIgnoreCase(name)) {
        String value = parts[i].substring(equals + 1).strip();
        boolean quoted = value.length() > 1 && value.startsWith("\"") && value.endsWith("\"");
        return quoted ? value.substring(1, value.length() - 1) : value;
      }
    }
    return null;
  }
}
