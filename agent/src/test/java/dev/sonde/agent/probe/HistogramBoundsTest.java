package dev.sonde.agent.probe;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sonde.exporter.model.Histogram;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The kernel's bounds, Java's names for them and the exporter's are the same, exactly. */
class HistogramBoundsTest {
  private static final BigInteger UNUSED = BigInteger.ONE.shiftLeft(63).subtract(BigInteger.ONE);
  private static final Pattern OCTAVE = Pattern.compile("\\[(\\d+)] = \\{ \\{ ([^}]*) }, (\\d+) }");

  private final String header = Repository.read("bpf-programs/include/histogram_bounds.h");

  private record Octave(int number, List<BigInteger> bounds, int first) {}

  private List<Octave> octaves() {
    List<Octave> octaves = new ArrayList<>();
    Matcher m = OCTAVE.matcher(header);
    while (m.find()) {
      List<BigInteger> bounds = new ArrayList<>();
      for (String bound : m.group(2).split(",")) {
        String text = bound.trim();
        bounds.add(text.equals("~0ULL >> 1") ? UNUSED : new BigInteger(text.replace("ULL", "")));
      }
      octaves.add(new Octave(Integer.parseInt(m.group(1)), bounds, Integer.parseInt(m.group(3))));
    }
    return octaves;
  }

  private int define(String name) {
    Matcher m = Pattern.compile("#define " + name + " \\(?(-?\\d+)\\)?").matcher(header);
    assertThat(m.find()).as(name).isTrue();
    return Integer.parseInt(m.group(1));
  }

  @Test
  void headerHasEveryBoundInItsOctave() {
    List<Octave> octaves = octaves();
    assertThat(octaves).hasSize(64);
    for (int o = 0; o < octaves.size(); o++) {
      List<BigInteger> wanted = new ArrayList<>();
      for (int i = HistogramSlots.ZERO_INDEX; i <= HistogramSlots.LAST_INDEX; i++) {
        BigInteger bound = ExactBounds.nanos(i);
        if (bound.bitLength() - 1 == o) {
          wanted.add(bound);
        }
      }
      while (wanted.size() < 4) {
        wanted.add(UNUSED);
      }
      assertThat(octaves.get(o).number()).isEqualTo(o);
      assertThat(octaves.get(o).bounds()).as("bounds of octave " + o).isEqualTo(wanted);
      assertThat(octaves.get(o).first()).as("slot of 2^" + o).isEqualTo(ExactBounds.slot(1L << o));
    }
  }

  @Test
  void javaHasTheHeadersNumbers() {
    assertThat(HistogramSlots.ZERO_INDEX).isEqualTo(define("HISTOGRAM_ZERO_INDEX"));
    assertThat(HistogramSlots.LAST_INDEX).isEqualTo(define("HISTOGRAM_LAST_INDEX"));
    assertThat(HistogramSlots.SLOTS).isEqualTo(ExactBounds.SLOTS);
    assertThat(HistogramSlots.ZERO_THRESHOLD).isEqualTo(Math.scalb(1.0, -20));
  }

  /** A wait of n ns is in the bucket whose exposed bound in seconds is the first not below it. */
  @Test
  void exposedBoundsDivideNanosecondsAtTheSamePlaces() {
    for (int i = HistogramSlots.ZERO_INDEX; i <= HistogramSlots.LAST_INDEX; i++) {
      BigDecimal exposed = new BigDecimal(Histogram.upperBound(i)).scaleByPowerOfTen(9);
      assertThat(exposed.toBigInteger()).as("bound of bucket " + i).isEqualTo(ExactBounds.nanos(i));
    }
  }
}
