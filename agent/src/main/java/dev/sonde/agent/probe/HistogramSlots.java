package dev.sonde.agent.probe;

import dev.sonde.exporter.model.Histogram;

/**
 * How the kernel's histogram slots are the buckets of a native histogram: {@code
 * bpf-programs/include/histogram.h}.
 */
final class HistogramSlots {
  /** Everything up to the bound with this index is in the zero bucket: 2^-20 s, 953 ns. */
  static final int ZERO_INDEX = -80;

  /** Index of the last finite bucket: up to 2^6 s. */
  static final int LAST_INDEX = 24;

  static final int FIRST_INDEX = ZERO_INDEX + 1;
  static final int BUCKETS = LAST_INDEX - ZERO_INDEX;

  /** Zero bucket, buckets, overflow. */
  static final int SLOTS = BUCKETS + 2;

  static final double ZERO_THRESHOLD = Histogram.upperBound(ZERO_INDEX);

  private HistogramSlots() {}
}
