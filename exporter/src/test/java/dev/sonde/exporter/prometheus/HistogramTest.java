package dev.sonde.exporter.prometheus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sonde.exporter.model.Histogram;
import org.junit.jupiter.api.Test;

class HistogramTest {
  private static final double ZERO = Histogram.upperBound(-80);

  private static Histogram of(int first, long... counts) {
    return new Histogram(ZERO, 1, first, counts, 2, 0.5);
  }

  /** Which buckets are held makes no difference to what a histogram says. */
  @Test
  void addsAndSubtractsWhatHoldsOtherBuckets() {
    Histogram low = of(-70, 1, 2, 3);
    Histogram high = of(-68, 10, 20);
    Histogram none = of(-79);
    Histogram both = low.plus(high);
    assertThat(both.firstIndex()).isEqualTo(-70);
    assertThat(both.buckets()).isEqualTo(4);
    assertThat(both.cumulative(-69)).isEqualTo(2 + 1 + 2);
    assertThat(both.cumulative(-68)).isEqualTo(2 + 1 + 2 + 3 + 10);
    assertThat(both.cumulative(20)).isEqualTo(2 + 36);
    assertThat(both.count()).isEqualTo(2 + 36 + 4);
    assertThat(both.minus(low).cumulative(-68)).isEqualTo(1 + 10);
    assertThat(both.minus(low).minus(high).count()).isZero();
    assertThat(none.plus(high).cumulative(-67)).isEqualTo(2 + 30);
    assertThat(high.plus(none).cumulative(-67)).isEqualTo(2 + 30);
    assertThat(none.plus(none).count()).isEqualTo(6);
  }

  /** The zero bucket ends where its threshold is, wherever the first bucket is that is held. */
  @Test
  void theZeroBucketIsWithinItsThreshold() {
    Histogram h = of(0, 5);
    assertThat(h.cumulative(-81)).isZero();
    assertThat(h.cumulative(-80)).isEqualTo(1);
    assertThat(h.cumulative(-1)).isEqualTo(1);
    assertThat(h.cumulative(0)).isEqualTo(6);
  }

  @Test
  void refusesAnotherZeroBucket() {
    Histogram other = new Histogram(Histogram.upperBound(-79), 0, 0, new long[0], 0, 0);
    assertThatThrownBy(() -> of(0, 1).plus(other)).hasMessageContaining("other buckets");
  }
}
