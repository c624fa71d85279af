package dev.sonde.exporter.prometheus;

import java.math.BigDecimal;

/**
 * Doubles as text that parses back to the same double.
 *
 * <p>Integers and whole nanoseconds, which is nearly everything Sonde counts, are written without
 * allocating; the rest goes through {@link Double#toString}.
 */
final class Numbers {
  /** Beyond 2^53 not every integer is a double, and {@code Double.toString} is shorter. */
  private static final double EXACT = 1L << 53;

  private static final double NANOS = 1e9;

  private Numbers() {}

  /** Appends a sample value as the text format and OpenMetrics read it. */
  static void value(Bytes out, double v) {
    if (Double.isNaN(v)) {
      out.ascii("NaN");
    } else if (Double.isInfinite(v)) {
      out.ascii(v > 0 ? "+Inf" : "-Inf");
    } else if (Math.abs(v) < EXACT) {
      long whole = (long) v;
      if (whole == v && (whole != 0 || Double.doubleToRawLongBits(v) == 0)) {
        out.decimal(whole);
      } else if (!nanoseconds(out, v)) {
        out.ascii(Double.toString(v));
      }
    } else {
      out.ascii(Double.toString(v));
    }
  }

  /**
   * Writes {@code n / 10^9} with its fraction digits, if {@code v} is exactly that.
   *
   * <p>A reader computes the nearest double of the decimal n / 10^9. The division of two exact
   * doubles is correctly rounded too, so if it gives {@code v}, so does the reader.
   */
  private static boolean nanoseconds(Bytes out, double v) {
    double scaled = Math.rint(v * NANOS);
    if (Math.abs(scaled) >= EXACT || scaled / NANOS != v || scaled == 0) {
      return false;
    }
    long n = (long) scaled;
    if (n < 0) {
      out.put('-');
      n = -n;
    }
    long fraction = n % 1_000_000_000;
    out.decimal(n / 1_000_000_000).put('.');
    for (long unit = 100_000_000; fraction != 0; unit /= 10) {
      out.put((int) ('0' + fraction / unit));
      fraction %= unit;
    }
    return true;
  }

  /**
   * A {@code le} bound as Prometheus itself writes the bounds of a protobuf histogram: Go's {@code
   * 'g'} format, with {@code .0} where there is neither point nor exponent. A series must not
   * change its name with the format of the scrape.
   */
  static String bound(double v) {
    if (v == Double.POSITIVE_INFINITY) {
      return "+Inf";
    }
    BigDecimal shortest = new BigDecimal(Double.toString(v)).stripTrailingZeros();
    int exponent = shortest.precision() - shortest.scale() - 1;
    if (v == 0 || (exponent >= -4 && exponent < 21)) {
      String plain = shortest.toPlainString();
      return plain.contains(".") ? plain : plain + ".0";
    }
    String digits = shortest.unscaledValue().abs().toString();
    StringBuilder out = new StringBuilder();
    out.append(v < 0 ? "-" : "").append(digits.charAt(0));
    if (digits.length() > 1) {
      out.append('.').append(digits, 1, digits.length());
    }
    out.append('e').append(exponent < 0 ? '-' : '+');
    return out.append(Math.abs(exponent) < 10 ? "0" : "").append(Math.abs(exponent)).toString();
  }
}
