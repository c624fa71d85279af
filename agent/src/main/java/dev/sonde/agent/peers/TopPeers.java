package dev.sonde.agent.peers;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.datasketches.frequencies.FrequentItemsSketch;
import org.jspecify.annotations.Nullable;

/**
 * The most frequent peers of one workload by name, all others together.
 *
 * <p>How frequent a peer is that has no name of its own is kept in a sketch of fixed size, whatever
 * the number of peers. Who has a name keeps it: only one that was met more than twice as often
 * takes the name of the one that was met least, whose counts move to the others. So the sum is that
 * of all counts, and no series falls.
 *
 * <p>Owned by the snapshot thread.
 */
final class TopPeers {
  private final int places;
  private final FrequentItemsSketch<String> seen;
  private final Map<String, long[]> named = new LinkedHashMap<>();
  private final Map<String, long[]> fresh = new LinkedHashMap<>();
  private final long[] others = new long[2];

  /**
   * @param places how many have a name
   */
  TopPeers(int places) {
    this.places = places;
    // eight times as many as are named: what a name is given by errs by 1 in 6 of a named one
    this.seen = new FrequentItemsSketch<>(Math.max(64, Integer.highestOneBit(places * 16)));
  }

  /** Counts of this snapshot; {@link #settle} shares them out. */
  void count(String peer, int kind, long count) {
    fresh.computeIfAbsent(peer, p -> new long[2])[kind] += count;
  }

  /** Shares out what came since the last call, the most frequent first. */
  void settle() {
    List<Map.Entry<String, long[]>> counts = new ArrayList<>(fresh.entrySet());
    counts.sort(Comparator.comparingLong(e -> -sum(e.getValue())));
    for (Map.Entry<String, long[]> e : counts) {
      seen.update(e.getKey(), sum(e.getValue()));
      long[] own = named.get(e.getKey());
      if (own == null && placeFor(e.getKey())) {
        own = new long[2];
        named.put(e.getKey(), own);
      }
      add(own == null ? others : own, e.getValue());
    }
    fresh.clear();
  }

  private boolean placeFor(String peer) {
    if (named.size() < places) {
      return true;
    }
    Map.Entry<String, long[]> least = least();
    if (least == null || seen.getLowerBound(peer) / 2 <= sum(least.getValue())) {
      return false;
    }
    add(others, least.getValue());
    named.remove(least.getKey());
    return true;
  }

  private Map.@Nullable Entry<String, long[]> least() {
    return named.entrySet().stream()
        .min(Comparator.comparingLong(e -> sum(e.getValue())))
        .orElse(null);
  }

  private static void add(long[] to, long[] counts) {
    to[0] += counts[0];
    to[1] += counts[1];
  }

  private static long sum(long[] counts) {
    return counts[0] + counts[1];
  }

  /** Of this kind, by name or not. */
  long counted(int kind) {
    long all = others[kind];
    for (long[] counts : named.values()) {
      all += counts[kind];
    }
    return all;
  }

  long others(int kind) {
    return others[kind];
  }

  /** The counts of those that have a name: established, failed. */
  Map<String, long[]> named() {
    return named;
  }
}
