package dev.sonde.exporter.model;

/**
 * An immutable exponential histogram of seconds with the exact bounds of a Prometheus native
 * histogram.
 *
 * <p>Bucket {@code i} holds values in {@code (2^((i-1)/4), 2^(i/4)]} seconds (schema 2: four
 * buckets a doubling, a quantile errs by less than 10%). Values up to {@link #zeroThreshold} are in
 * the zero bucket; values above the last bucket are in {@link #overflow}, which is exposed as the
 * bucket up to +Inf.
 *
 * <p>Buckets below the first and beyond the last that is held are empty: a node has thousands of
 * these, most of which have values in a few octaves.
 */
public final class Histogram {
  /** Four buckets a doubling. */
  public static final int SCHEMA = 2;

  private final double zeroThreshold;
  private final long zeroCount;
  private final int firstIndex;
  private final long[] counts;
  private final long overflow;
  private final double sum;
  private final long count;

  /**
   * @param zeroThreshold in seconds, upper inclusive: the upper bound of a bucket, of {@code
   *     firstIndex - 1} or one below
   * @param firstIndex native index of {@code counts[0]}
   * @param counts one count per bucket (not cumulative); handed over, never written again
   * @param sum in seconds
   */
  public Histogram(
      double zeroThreshold,
      long zeroCount,
      int firstIndex,
      long[] counts,
      long overflow,
      double sum) {
    this.zeroThreshold = zeroThreshold;
    this.zeroCount = zeroCount;
    this.firstIndex = firstIndex;
    this.counts = counts;
    this.overflow = overflow;
    this.sum = sum;
    long total = zeroCount + overflow;
    for (long c : counts) {
      total += c;
    }
    this.count = total;
  }

  /** The upper bound of native bucket {@code index} in seconds, inclusive: 2^(index/4). */
  public static double upperBound(int index) {
    int octave = Math.floorDiv(index, 4);
    return Math.scalb(FRACTIONS[Math.floorMod(index, 4)], octave);
  }

  /** The same literals as Prometheus' own bounds of schema 2, doubled: they are in [0.5, 1). */
  private static final double[] FRACTIONS = {
    1.0, 1.189207115002721, 1.414213562373095, 1.6817928305074290
  };

  public double zeroThreshold() {
    return zeroThreshold;
  }

  public long zeroCount() {
    return zeroCount;
  }

  public int firstIndex() {
    return firstIndex;
  }

  public int buckets() {
    return counts.length;
  }

  /** The count of native bucket {@code firstIndex() + i}. */
  public long bucket(int i) {
    return counts[i];
  }

  public long overflow() {
    return overflow;
  }

  /** In seconds. */
  public double sum() {
    return sum;
  }

  public long count() {
    return count;
  }

  /**
   * Both together, exactly.
   *
   * @throws IllegalArgumentException their zero buckets are not the same
   */
  public Histogram plus(Histogram other) {
    return combined(other, 1);
  }

  /**
   * What came since {@code earlier}, an earlier state of this.
   *
   * @throws IllegalArgumentException their zero buckets are not the same
   */
  public Histogram minus(Histogram earlier) {
    return combined(earlier, -1);
  }

  private Histogram combined(Histogram other, int sign) {
    if (zeroThreshold != other.zeroThreshold) {
      throw new IllegalArgumentException(
          "histograms with other buckets: up to %s s and up to %s s are zero"
              .formatted(zeroThreshold, other.zeroThreshold));
    }
    int first = counts.length == 0 ? other.firstIndex : firstIndex;
    first = other.counts.length == 0 ? first : Math.min(first, other.firstIndex);
    int end = Math.max(first, Math.max(end(), other.end()));
    long[] sums = new long[end - first];
    addTo(sums, first, 1);
    other.addTo(sums, first, sign);
    return new Histogram(
        zeroThreshold,
        zeroCount + sign * other.zeroCount,
        first,
        sums,
        overflow + sign * other.overflow,
        sum + sign * other.sum);
  }

  /** One past the index of the last bucket that is held; the least of all if none is. */
  private int end() {
    return counts.length == 0 ? Integer.MIN_VALUE : firstIndex + counts.length;
  }

  private void addTo(long[] sums, int first, int sign) {
    for (int i = 0; i < counts.length; i++) {
      sums[firstIndex - first + i] += sign * counts[i];
    }
  }

  /** Whether the values of the zero bucket are at most {@link #upperBound upperBound(index)}. */
  public boolean isZeroWithin(int index) {
    return upperBound(index) >= zeroThreshold;
  }

  /**
   * How many values were at most {@link #upperBound upperBound(index)}: a classic cumulative
   * bucket.
   */
  public long cumulative(int index) {
    long total = isZeroWithin(index) ? zeroCount : 0;
    int last = Math.min(index - firstIndex, counts.length - 1);
    for (int i = 0; i <= last; i++) {
      total += counts[i];
    }
    return total;
  }
}
