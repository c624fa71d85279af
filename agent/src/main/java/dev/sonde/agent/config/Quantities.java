package dev.sonde.agent.config;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The parsers of durations ({@code 500ms}, {@code 1m30s}) and sizes ({@code 1MiB}, {@code 64Ki},
 * {@code 1000000}).
 */
public final class Quantities {
  private static final Pattern PART = Pattern.compile("(\\d{1,18}(?:\\.\\d{1,9})?)\\s*([a-zµ]*)");
  private static final Pattern SIZE = Pattern.compile("(\\d{1,18}(?:\\.\\d{1,9})?)\\s*([A-Za-z]*)");

  private static final Map<String, Long> NANOS =
      Map.of(
          "ns", 1L,
          "us", 1_000L,
          "µs", 1_000L,
          "ms", 1_000_000L,
          "s", 1_000_000_000L,
          "m", 60_000_000_000L,
          "h", 3_600_000_000_000L,
          "d", 86_400_000_000_000L);

  // The meaning Kubernetes gives them: k, M, G are powers of ten, Ki, Mi, Gi powers of two.
  private static final Map<String, Long> BYTES =
      Map.of(
          "", 1L,
          "k", 1_000L,
          "m", 1_000_000L,
          "g", 1_000_000_000L,
          "ki", 1L << 10,
          "mi", 1L << 20,
          "gi", 1L << 30);

  private Quantities() {}

  /** A duration from {@code min} to {@code max}. */
  static ValueParser<Duration> duration(Duration min, Duration max) {
    return text -> {
      Duration value = duration(text);
      if (value.compareTo(min) < 0 || value.compareTo(max) > 0) {
        throw new BadValueException("not from " + format(min) + " to " + format(max));
      }
      return value;
    };
  }

  private static Duration duration(String text) throws BadValueException {
    Matcher part = PART.matcher(text);
    long nanos = 0;
    int at = 0;
    while (at < text.length()) {
      if (!part.find(at) || part.start() != at) {
        throw new BadValueException("not a duration");
      }
      String unit = part.group(2);
      if (unit.isEmpty() && !text.equals("0")) {
        throw new BadValueException("no unit (one of ms, s, m, h)");
      }
      Long scale = unit.isEmpty() ? Long.valueOf(1) : NANOS.get(unit);
      if (scale == null) {
        throw new BadValueException("unknown unit '" + unit + "' (one of ms, s, m, h)");
      }
      try {
        nanos = Math.addExact(nanos, times(part.group(1), scale, RoundingMode.HALF_UP));
      } catch (ArithmeticException e) {
        throw new BadValueException("longer than 292 years");
      }
      at = part.end();
    }
    if (text.isEmpty()) {
      throw new BadValueException("not a duration");
    }
    return Duration.ofNanos(nanos);
  }

  /**
   * {@code number * scale}. With BigDecimal only for a fraction: the tables that its class computes
   * cost 20 ms of a start, and no default has one.
   *
   * @throws ArithmeticException it does not fit a long, or is not whole and may not be rounded
   */
  private static long times(String number, long scale, RoundingMode rounding) {
    return number.indexOf('.') < 0
        ? Math.multiplyExact(Long.parseLong(number), scale)
        : new BigDecimal(number)
            .multiply(BigDecimal.valueOf(scale))
            .setScale(0, rounding)
            .longValueExact();
  }

  /** A duration as it would be written: {@code 1m30s}. */
  public static String format(Duration value) {
    long nanos = value.toNanos();
    StringBuilder out = new StringBuilder();
    for (String unit : new String[] {"d", "h", "m", "s", "ms", "us", "ns"}) {
      long scale = scale(unit);
      if (nanos >= scale) {
        out.append(nanos / scale).append(unit);
        nanos %= scale;
      }
    }
    return out.isEmpty() ? "0s" : out.toString();
  }

  private static long scale(String unit) {
    Long scale = NANOS.get(unit);
    if (scale == null) {
      throw new AssertionError(unit);
    }
    return scale;
  }

  /** The size of a BPF ring: a power of two of at least a page. */
  static ValueParser<Integer> ringBytes(int min, int max) {
    return text -> {
      long value = bytes(text);
      if (value < min || value > max) {
        throw new BadValueException("not from " + min / 1024 + "KiB to " + max / 1024 + "KiB");
      }
      if (Long.bitCount(value) != 1) {
        throw new BadValueException(
            "not a power of two (next: " + Long.highestOneBit(value) * 2 / 1024 + "KiB)");
      }
      return (int) value;
    };
  }

  /** A number of bytes. */
  static ValueParser<Long> size(long min, long max) {
    return text -> {
      long value = bytes(text);
      if (value < min || value > max) {
        throw new BadValueException("not from " + min + " to " + max + " bytes");
      }
      return value;
    };
  }

  /** Durations, separated by commas, at most {@code most} of them; or {@code off} for none. */
  static ValueParser<List<Duration>> durations(Duration min, Duration max, int most) {
    ValueParser<Duration> one = duration(min, max);
    return text -> {
      List<Duration> all = new ArrayList<>();
      if (text.strip().equals(Values.OFF)) {
        return all;
      }
      for (String item : ProbeSelection.items(text)) {
        all.add(one.parse(item));
      }
      if (all.stream().distinct().count() > most) {
        throw new BadValueException("more than " + most);
      }
      return all;
    };
  }

  private static long bytes(String text) throws BadValueException {
    Matcher size = SIZE.matcher(text);
    if (!size.matches()) {
      throw new BadValueException("not a size");
    }
    String unit = size.group(2).toLowerCase(Locale.ROOT);
    Long scale = BYTES.get(unit.endsWith("b") ? unit.substring(0, unit.length() - 1) : unit);
    if (scale == null) {
      throw new BadValueException(
          "unknown unit '" + size.group(2) + "' (one of B, KiB, MiB, GiB, kB, MB, GB)");
    }
    String number = size.group(1);
    try {
      return times(number, scale, RoundingMode.UNNECESSARY);
    } catch (ArithmeticException e) {
      if (number.indexOf('.') >= 0) {
        throw new BadValueException("not a whole number of bytes");
      }
      return Long.MAX_VALUE; // more than any option allows
    }
  }
}
