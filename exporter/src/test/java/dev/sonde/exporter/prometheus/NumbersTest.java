package dev.sonde.exporter.prometheus;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sonde.exporter.model.Histogram;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NumbersTest {
  @ParameterizedTest
  @CsvSource({
    "0, 0",
    "-0.0, -0.0",
    "1, 1",
    "-17, -17",
    "0.5, 0.5",
    "0.000000001, 0.000000001",
    "-1.25, -1.25",
    "1234567.000000089, 1234567.000000089",
    "9007199254740991, 9007199254740991",
    "9007199254740992, 9.007199254740992E15",
    "NaN, NaN",
    "Infinity, +Inf",
    "-Infinity, -Inf",
    "4.9E-324, 4.9E-324"
  })
  void values(double value, String text) {
    assertThat(text(value)).isEqualTo(text);
  }

  @Test
  void everyValueReadsBackExactly() {
    Random random = new Random(7);
    for (int i = 0; i < 200_000; i++) {
      roundTrip(Double.longBitsToDouble(random.nextLong()));
      roundTrip(random.nextLong() * 1e-9);
      roundTrip(random.nextLong(1L << 53) / 1e9);
      roundTrip(random.nextInt() / 1e9);
      roundTrip(random.nextInt());
      roundTrip(random.nextDouble());
    }
  }

  @Test
  void decimals() {
    for (long v : new long[] {0, 9, 10, 99, 100, Long.MAX_VALUE, Long.MIN_VALUE, -1, -1000}) {
      assertThat(new String(new Bytes(1).decimal(v).toArray(), US_ASCII)).isEqualTo("" + v);
    }
    for (long v = 1; v > 0 && v < Long.MAX_VALUE / 10; v *= 10) {
      assertThat(new String(new Bytes(1).decimal(v).toArray(), US_ASCII)).isEqualTo("" + v);
      assertThat(new String(new Bytes(1).decimal(v - 1).toArray(), US_ASCII))
          .isEqualTo("" + (v - 1));
    }
  }

  /** What Go's strconv and Prometheus' formatOpenMetricsFloat print. */
  @ParameterizedTest
  @CsvSource({
    "1, 1.0",
    "16, 16.0",
    "0.5, 0.5",
    "0.0001220703125, 0.0001220703125",
    "0.00001525878906250, 1.52587890625e-05",
    "1.189207115002721, 1.189207115002721",
    "1e-9, 1e-09",
    "1e21, 1e+21",
    "2.5e-100, 2.5e-100",
    "Infinity, +Inf"
  })
  void bounds(double bound, String text) {
    assertThat(Numbers.bound(bound)).isEqualTo(text);
  }

  @Test
  void boundsReadBackExactly() {
    for (int i = -200; i < 200; i++) {
      double bound = Histogram.upperBound(i);
      assertThat(Double.parseDouble(Numbers.bound(bound))).isEqualTo(bound);
    }
  }

  private static void roundTrip(double v) {
    if (Double.isFinite(v)) {
      String text = text(v);
      assertThat(Double.doubleToLongBits(Double.parseDouble(text)))
          .as(text)
          .isEqualTo(Double.doubleToLongBits(v));
    }
  }

  private static String text(double v) {
    Bytes out = new Bytes(1);
    Numbers.value(out, v);
    return new String(out.array(), 0, out.length(), US_ASCII);
  }
}
