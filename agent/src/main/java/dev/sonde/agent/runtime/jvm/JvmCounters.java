package dev.sonde.agent.runtime.jvm;

import java.util.Arrays;

/**
 * What one reading of one JVM says; made once and filled again by every reading.
 *
 * <p>Not thread-safe: the snapshot thread owns it. All values are at least 0, times are in
 * nanoseconds, sizes in bytes, totals since the JVM started.
 */
final class JvmCounters {
  private static final int COLLECTORS = Collector.values().length;

  final long[] collections = new long[COLLECTORS];
  final long[] collectionNanos = new long[COLLECTORS];

  /** Which collectors the JVM has, whether they ever ran or not. */
  final boolean[] present = new boolean[COLLECTORS];

  long safepoints;
  long safepointNanos;
  long heapUsed;
  long heapCommitted;
  long heapMax;

  void clear() {
    Arrays.fill(collections, 0);
    Arrays.fill(collectionNanos, 0);
    Arrays.fill(present, false);
    safepoints = 0;
    safepointNanos = 0;
    heapUsed = 0;
    heapCommitted = 0;
    heapMax = 0;
  }

  void copyFrom(JvmCounters other) {
    System.arraycopy(other.collections, 0, collections, 0, COLLECTORS);
    System.arraycopy(other.collectionNanos, 0, collectionNanos, 0, COLLECTORS);
    System.arraycopy(other.present, 0, present, 0, COLLECTORS);
    safepoints = other.safepoints;
    safepointNanos = other.safepointNanos;
    heapUsed = other.heapUsed;
    heapCommitted = other.heapCommitted;
    heapMax = other.heapMax;
  }

  /** {@code a + b} of two values from a pod, neither below 0: stays at the top, never wraps. */
  static long add(long a, long b) {
    long sum = a + b;
    return sum < 0 ? Long.MAX_VALUE : sum;
  }
}
