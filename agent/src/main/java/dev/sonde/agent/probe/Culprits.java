package dev.sonde.agent.probe;

import dev.sonde.agent.workload.PodTable;
import dev.sonde.exporter.model.Workload;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.ObjLongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Who took one victim's CPU, and for how long: the most eager by name, the rest in {@code ~other}.
 *
 * <p>No counter falls and the sum is always that of all charges. Who has a name keeps it, so that a
 * series does not come and go: only somebody who took more than twice as much in all takes the name
 * of the one who took least, whose charges so far move to {@code ~other}. Kernel threads, the idle
 * CPU and the victim itself always have a name.
 *
 * <p>Owned by the snapshot thread.
 */
final class Culprits {
  private static final Set<Workload> ALWAYS =
      Set.of(PodTable.KERNEL, PodTable.IDLE, Workload.OTHER);

  private final int places;
  private final Workload victim;

  /** What each took in all, by name or not. */
  private final Map<Workload, long[]> taken = new HashMap<>();

  private final Map<Workload, long[]> named = new LinkedHashMap<>();
  private final Map<Workload, long[]> fresh = new LinkedHashMap<>();
  private long other;
  private int placed;

  /**
   * @param places how many culprits have a name beside those that always have one
   */
  Culprits(Workload victim, int places) {
    this.victim = victim;
    this.places = places;
  }

  /** Charges of this snapshot; {@link #settle} shares them out. */
  void charge(Workload culprit, long nanos) {
    fresh.computeIfAbsent(culprit, w -> new long[1])[0] += nanos;
  }

  /** Shares out what was charged since the last call, the greatest first. */
  void settle() {
    if (fresh.isEmpty()) {
      return;
    }
    List<Map.Entry<Workload, long[]>> charges = new ArrayList<>(fresh.entrySet());
    charges.sort(Comparator.comparingLong(e -> -e.getValue()[0]));
    for (Map.Entry<Workload, long[]> e : charges) {
      settle(e.getKey(), e.getValue()[0]);
    }
    fresh.clear();
  }

  private void settle(Workload culprit, long nanos) {
    if (culprit.equals(Workload.OTHER)) {
      other += nanos;
      return;
    }
    long total = taken.computeIfAbsent(culprit, w -> new long[1])[0] += nanos;
    long[] sum = named.get(culprit);
    if (sum != null) {
      sum[0] += nanos;
    } else if (always(culprit) || placeFor(total)) {
      named.put(culprit, new long[] {nanos});
      if (!always(culprit)) {
        placed++;
      }
    } else {
      other += nanos;
    }
  }

  private boolean always(Workload culprit) {
    return ALWAYS.contains(culprit) || culprit.equals(victim);
  }

  private boolean placeFor(long total) {
    if (placed < places) {
      return true;
    }
    Workload least = least();
    if (least == null || total / 2 <= taken(least)) {
      return false;
    }
    long[] folded = named.remove(least);
    if (folded != null) {
      other += folded[0];
    }
    placed--;
    return true;
  }

  private @Nullable Workload least() {
    return named.keySet().stream()
        .filter(w -> !always(w))
        .min(Comparator.comparingLong(this::taken))
        .orElse(null);
  }

  private long taken(Workload culprit) {
    long[] sum = taken.get(culprit);
    return sum == null ? 0 : sum[0];
  }

  /** A culprit has ended: what has no name need not be remembered. */
  void forget(Workload culprit) {
    if (!named.containsKey(culprit)) {
      taken.remove(culprit);
    }
  }

  /** Every named culprit's nanoseconds, and those of {@code ~other}. */
  void forEach(ObjLongConsumer<Workload> consumer) {
    named.forEach((w, sum) -> consumer.accept(w, sum[0]));
    if (other > 0) {
      consumer.accept(Workload.OTHER, other);
    }
  }
}
