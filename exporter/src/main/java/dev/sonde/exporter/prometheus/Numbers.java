package dev.sonde.exporter.prometheus;

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
   * change its name with the format of the scrape. Not by BigDecimal, whose class computes tables
   * when it is first used, which is in the first scrape.
   */
  static String bound(double v) {
    if (v == Double.POSITIVE_INFINITY) {
      return "+Inf";
    }
    String shortest =
        Double.toString(Math.abs(v)); // 12.5 or 1.25E-7, with as few digits as tell it
    int e = shortest.indexOf('E');
    String mantissa = e < 0 ? shortest : shortest.substring(0, e);
    int point = mantissa.indexOf('.');
    String all = mantissa.substring(0, point) + mantissa.substring(point + 1);
    int first = 0;
    while (first < all.length() - 1 && all.charAt(first) == '0') {
      first++;
    }
    int end = all.length();
    while (end > first + 1 && all.charAt(end - 1) == '0') {
      end--;
    }
    String digits = all.substring(first, end);
    int exponent =
        point - 1 - first + (e < 0 ? 0 : Integer.parseInt(shortest, e + 1, shortest.length(), 10));
    String sign = v < 0 ? "-" : "";
    if (v == 0 || (exponent >= -4 && exponent < 21)) {
      return sign + plain(digits, v == 0 ? 0 : exponent);
    }
    StringBuilder out = new StringBuilder(sign).append(digits.charAt(0));
    if (digits.length() > 1) {
      out.append('.').append(digits, 1, digits.length());
    }
    out.append('e').append(exponent < 0 ? '-' : '+');
    return out.append(Math.abs(exponent) < 10 ? "0" : "").append(Math.abs(exponent)).toString();
  }

  /**
   * @param exponent of ten, of the first digit
   */
  private static String plain(String digits, int exponent) {
    if (exponent < 0) {
      return "0." + "0".repeat(-exponent - 1) + digits;
    }
    int whole = exponent + 1;
    return digits.length() <= whole
        ? digits + "0".repeat(whole - digits.length()) + ".0"
        : digits.substring(0, whole) + "." + digits.substring(whole);
  }
}
