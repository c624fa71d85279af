package dev.sonde.agent.probe;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sonde.exporter.model.Histogram;
import java.util.Random;
import org.junit.jupiter.api.Test;

class DurationsTest {
  /** What it holds of a kernel's histogram is what a plain array of all slots would hold. */
  @Test
  void holdsWhatAnArrayOfAllSlotsHolds() {
    Random random = new Random(7);
    for (int run = 0; run < 300; run++) {
      Durations durations = new Durations();
      long[] plain = new long[HistogramSlots.SLOTS];
      int centre = random.nextInt(HistogramSlots.SLOTS);
      int spread = 1 + random.nextInt(HistogramSlots.SLOTS);
      for (int i = random.nextInt(50); i > 0; i--) {
        int slot = Math.clamp(centre + random.nextInt(spread) - spread / 2, 0, plain.length - 1);
        long count = 1L + random.nextInt(1000);
        plain[slot] += count;
        durations.add(slot, count);
        if (random.nextInt(4) == 0) {
          assertSame(durations.histogram(), plain);
        }
      }
      assertSame(durations.histogram(), plain);
    }
  }

  private static void assertSame(Histogram shown, long[] plain) {
    assertThat(shown.zeroCount()).isEqualTo(plain[0]);
    assertThat(shown.overflow()).isEqualTo(plain[plain.length - 1]);
    long below = plain[0];
    assertThat(shown.cumulative(HistogramSlots.ZERO_INDEX - 1)).isZero();
    assertThat(shown.cumulative(HistogramSlots.ZERO_INDEX)).isEqualTo(below);
    for (int i = 0; i < HistogramSlots.BUCKETS; i++) {
      below += plain[1 + i];
      assertThat(shown.cumulative(HistogramSlots.FIRST_INDEX + i)).isEqualTo(below);
    }
    assertThat(shown.count()).isEqualTo(below + shown.overflow());
  }

  /** Differences of free-running counts, those that wrapped too, whichever slots they are of. */
  @Test
  void theLastCountsAreThoseOfEachSlot() {
    Random random = new Random(11);
    for (int run = 0; run < 100; run++) {
      LastBuckets last = new LastBuckets();
      int[] plain = new int[HistogramSlots.SLOTS];
      for (int i = 0; i < 100; i++) {
        int slot = random.nextInt(plain.length);
        int grown = random.nextInt();
        plain[slot] += grown;
        assertThat(last.more(slot, plain[slot])).isEqualTo(Integer.toUnsignedLong(grown));
        assertThat(last.more(slot, plain[slot])).isZero();
      }
    }
  }

  /** A snapshot is not changed by what is counted after it. */
  @Test
  void whatWasShownStays() {
    Durations durations = new Durations();
    durations.add(10, 1);
    durations.addNanos(1000);
    Histogram before = durations.histogram();
    assertThat(durations.histogram()).isSameAs(before);
    durations.add(10, 5);
    durations.add(50, 5);
    durations.addNanos(1);
    assertThat(before.count()).isEqualTo(1);
    assertThat(before.sum()).isEqualTo(1e-6);
    assertThat(durations.histogram().count()).isEqualTo(11);
    assertThat(durations.histogram().minus(before).count()).isEqualTo(10);
  }

  /** A hundred thousand of these without a value take no memory for buckets. */
  @Test
  void whatNeverHadAValueIsTheSameForAll() {
    assertThat(new Durations().histogram()).isSameAs(new Durations().histogram());
    assertThat(new Durations().histogram().buckets()).isZero();
  }
}
