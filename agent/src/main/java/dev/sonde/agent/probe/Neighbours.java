package dev.sonde.agent.probe;

import dev.sonde.agent.workload.PodTable;
import dev.sonde.exporter.model.Workload;
import dev.sonde.ffi.BpfMap;
import dev.sonde.ffi.MappedArray;
import dev.sonde.ffi.layout.NeighbourPair;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HashMap;
import java.util.Iterator;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Reads which workload waited while which other one ran: {@code neighbours.h}.
 *
 * <p>Owned by the snapshot thread.
 */
final class Neighbours implements AutoCloseable {
  /** {@code culprit} of an idle CPU. */
  private static final int SLOT_NONE = -1;

  private final BpfMap pairs;
  private final MappedArray rest;
  private final PerWorkload<?, SchedTotals> workloads;
  private final Map<Long, Pair> known = new HashMap<>();
  private final Map<Integer, long[]> lastRest = new HashMap<>();

  /** What was last read of a pair of slots. */
  private static final class Pair {
    final int victim;
    final int culprit;
    long nanos;
    @Nullable Workload name;

    Pair(int victim, int culprit) {
      this.victim = victim;
      this.culprit = culprit;
    }
  }

  Neighbours(SharedMaps maps, PerWorkload<?, SchedTotals> workloads) {
    this.pairs = maps.get("neighbours");
    this.rest = maps.get("neighbours_rest").mmap();
    this.workloads = workloads;
  }

  /** Hands every victim what it was charged with since the last call. */
  void read(int slots) {
    pairs.forEach(
        (keys, k, values, v) ->
            read(
                (int) NeighbourPair.victim(keys, k),
                (int) NeighbourPair.culprit(keys, k),
                values.get(ValueLayout.JAVA_LONG_UNALIGNED, v)));
    MemorySegment sums = rest.segment();
    for (int slot = 0; slot < slots; slot++) {
      long sum = sums.get(ValueLayout.JAVA_LONG, slot * 8L);
      if (sum != 0) {
        readRest(slot, sum);
      }
    }
  }

  private void read(int victim, int culprit, long nanos) {
    SchedTotals totals = workloads.at(victim);
    Workload name = culprit == SLOT_NONE ? PodTable.IDLE : workloads.workload(culprit);
    if (totals == null || name == null) {
      return; // not named yet: it is still there at the next look
    }
    Pair pair = known.computeIfAbsent(key(victim, culprit), k -> new Pair(victim, culprit));
    if (nanos != pair.nanos) {
      totals.culprits.charge(name, nanos - pair.nanos);
      pair.nanos = nanos;
      pair.name = name;
    }
  }

  private void readRest(int victim, long sum) {
    SchedTotals totals = workloads.at(victim);
    if (totals != null) {
      long[] last = lastRest.computeIfAbsent(victim, v -> new long[1]);
      if (sum != last[0]) {
        totals.culprits.charge(Workload.OTHER, sum - last[0]);
        last[0] = sum;
      }
    }
  }

  private static long key(int victim, int culprit) {
    return (long) victim << 32 | Integer.toUnsignedLong(culprit);
  }

  /** How many pairs of workloads there are. */
  int entries() {
    return known.size();
  }

  /** A slot is about to be given to another workload: its pairs go. All of them were read. */
  void forget(int slot) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment key = arena.allocate(NeighbourPair.SIZE);
      for (Iterator<Pair> i = known.values().iterator(); i.hasNext(); ) {
        Pair pair = i.next();
        if (pair.victim != slot && pair.culprit != slot) {
          continue;
        }
        NeighbourPair.setVictim(key, 0, pair.victim);
        NeighbourPair.setCulprit(key, 0, pair.culprit);
        pairs.delete(key);
        SchedTotals totals = workloads.at(pair.victim);
        if (totals != null && pair.name != null) {
          totals.culprits.forget(pair.name);
        }
        i.remove();
      }
    }
  }

  @Override
  public void close() {
    rest.close();
  }
}
