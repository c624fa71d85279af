package dev.sonde.agent.runtime.jvm;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * Where the counters that Sonde shows are in one JVM's performance data: looked up once, since a
 * JVM never moves them, so that a reading is a few loads.
 *
 * <p>What the counters mean:
 *
 * <ul>
 *   <li>{@code sun.gc.collector.N.{invocations,time}}: see {@link Collector}.
 *   <li>{@code sun.rt.safepoints}, and {@code sun.rt.safepointSyncTime + sun.rt.safepointTime}:
 *       number and sum of {@code Total:} of {@code -Xlog:safepoint}, to the nanosecond (compared on
 *       17 and 25): time to reach the safepoint, at it, and (25) to leave it.
 *   <li>{@code sun.gc.generation.N}: used is the sum over the spaces, committed over the
 *       generations. Max is that of the whole heap: the sum for Serial and Parallel, whose
 *       generations are separate; the largest for G1 and ZGC, where each may take all. The JVM
 *       updates {@code used} at collections, so it lags behind {@code jcmd GC.heap_info} in
 *       between. G1 up to 17 adds 8 bytes to each size (never divide by zero): sizes of whole pages
 *       are rounded down to them.
 * </ul>
 *
 * <p>Times are in ticks of {@code sun.os.hrt.frequency}, 10^9 a second on every Linux so far.
 */
final class HsperfLayout {
  private static final int MAX_COLLECTORS = 8;
  private static final int GENERATIONS = 3;
  private static final int SPACES = 5;
  private static final long PAGE_MASK = -4096L;
  private static final long NANOS = 1_000_000_000L;

  private record Pair(Collector collector, int invocations, int time) {}

  private final List<Pair> collectors = new ArrayList<>();
  private final int safepoints;
  private final int safepointTime;
  private final int safepointSync;
  private final List<Integer> used = new ArrayList<>();
  private final List<Integer> committed = new ArrayList<>();
  private final List<Integer> max = new ArrayList<>();
  private final boolean sharedHeap;
  private final double nanosPerTick;
  private final String gc;
  private int length;

  HsperfLayout(PerfData data) throws PerfData.FormatException {
    String family = "other";
    for (int i = 0; i < MAX_COLLECTORS; i++) {
      String name = data.string("sun.gc.collector." + i + ".name");
      if (name.isEmpty()) {
        continue;
      }
      Collector collector = Collector.named(name);
      if (collector == null) {
        family = Collector.SHENANDOAH;
        continue;
      }
      family = collector.family();
      int invocations = need(data.offsetOfLong("sun.gc.collector." + i + ".invocations"));
      int time = need(data.offsetOfLong("sun.gc.collector." + i + ".time"));
      if (invocations >= 0 && time >= 0) {
        collectors.add(new Pair(collector, invocations, time));
      }
    }
    gc = family;
    sharedHeap = family.equals("g1") || family.equals("z");
    safepoints = need(data.offsetOfLong("sun.rt.safepoints"));
    safepointTime = need(data.offsetOfLong("sun.rt.safepointTime"));
    safepointSync = need(data.offsetOfLong("sun.rt.safepointSyncTime"));
    for (int g = 0; g < GENERATIONS; g++) {
      String generation = "sun.gc.generation." + g;
      needAll(committed, data.offsetOfLong(generation + ".capacity"));
      needAll(max, data.offsetOfLong(generation + ".maxCapacity"));
      for (int s = 0; s < SPACES; s++) {
        needAll(used, data.offsetOfLong(generation + ".space." + s + ".used"));
      }
    }
    long frequency = data.longValue("sun.os.hrt.frequency", NANOS);
    if (frequency <= 0) {
      throw new PerfData.FormatException("sun.os.hrt.frequency is " + frequency);
    }
    nanosPerTick = (double) NANOS / frequency;
    if (length == 0) {
      throw new PerfData.FormatException("none of the counters of HotSpot is in it");
    }
  }

  private int need(int offset) {
    if (offset >= 0) {
      length = Math.max(length, offset + Long.BYTES);
    }
    return offset;
  }

  private void needAll(List<Integer> offsets, int offset) {
    if (need(offset) >= 0) {
      offsets.add(offset);
    }
  }

  /** How many bytes of the file a reading needs. */
  int length() {
    return length;
  }

  /** The family of the JVM's garbage collector. */
  String gc() {
    return gc;
  }

  /**
   * Reads the counters out of the file's first {@link #length} bytes.
   *
   * @param b in the file's byte order
   */
  void read(ByteBuffer b, JvmCounters out) {
    out.clear();
    for (int i = 0; i < collectors.size(); i++) {
      Pair p = collectors.get(i);
      int c = p.collector.slot();
      out.present[c] = true;
      out.collections[c] = JvmCounters.add(out.collections[c], count(b, p.invocations));
      out.collectionNanos[c] = JvmCounters.add(out.collectionNanos[c], nanos(b, p.time));
    }
    out.safepoints = count(b, safepoints);
    out.safepointNanos = JvmCounters.add(nanos(b, safepointTime), nanos(b, safepointSync));
    out.heapUsed = sum(b, used);
    out.heapCommitted = sum(b, committed) & PAGE_MASK;
    out.heapMax = (sharedHeap ? largest(b, max) : sum(b, max)) & PAGE_MASK;
  }

  private static long count(ByteBuffer b, int offset) {
    return offset < 0 ? 0 : Math.max(0, b.getLong(offset));
  }

  private long nanos(ByteBuffer b, int offset) {
    long ticks = count(b, offset);
    return nanosPerTick == 1.0 ? ticks : (long) (ticks * nanosPerTick);
  }

  private static long sum(ByteBuffer b, List<Integer> offsets) {
    long sum = 0;
    for (int i = 0; i < offsets.size(); i++) {
      sum = JvmCounters.add(sum, count(b, offsets.get(i)));
    }
    return sum;
  }

  private static long largest(ByteBuffer b, List<Integer> offsets) {
    long largest = 0;
    for (int i = 0; i < offsets.size(); i++) {
      largest = Math.max(largest, count(b, offsets.get(i)));
    }
    return largest;
  }
}
