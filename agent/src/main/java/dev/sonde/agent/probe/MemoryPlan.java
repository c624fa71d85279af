package dev.sonde.agent.probe;

import dev.sonde.ffi.layout.CensusRow;
import dev.sonde.ffi.layout.ContainerStart;
import dev.sonde.ffi.layout.CpuState;
import dev.sonde.ffi.layout.LossRow;
import dev.sonde.ffi.layout.MemoryStats;
import dev.sonde.ffi.layout.ProcessStats;
import dev.sonde.ffi.layout.SchedOffCpu;
import dev.sonde.ffi.layout.SchedStats;
import dev.sonde.ffi.layout.TcpConnectionStats;
import dev.sonde.ffi.layout.TcpHoldups;
import dev.sonde.ffi.layout.TcpLatency;
import dev.sonde.ffi.layout.TcpStats;
import java.util.ArrayList;
import java.util.List;

/**
 * How much memory the maps take that are there from the start, and what is left out so that they
 * stay within {@code --bpf-memory-limit}. The kernel charges such a map in full when it is created,
 * used or not.
 *
 * {@snippet :
 * MemoryPlan plan = MemoryPlan.of(256_000_000, 2048, 64, 1 << 20);
 * plan.rowShift(); // 1: two CPUs share a row, since 64 rows a workload would be 300 MB
 * }
 *
 * <p>The order of what goes: (1) up to eight neighbouring CPUs share a row, which loses nothing and
 * costs time where they run the same workload; (2) the histograms of blocked time; (3) noisy
 * neighbours; (4) the near records of tasks, which loses nothing and costs time where thousands of
 * tasks take turns; (5) workloads, halved down to {@link #FEWEST_WORKLOADS}.
 *
 * <p>Not in it: what the kernel allocates as tasks and sockets come, about 200 bytes each.
 *
 * @param maxSlots how many workloads have counters of their own
 * @param rowShift 2^rowShift CPUs share a row of the scheduler's counters
 * @param offCpu whether {@code sonde_sched_off_cpu_seconds} is counted
 * @param neighbours whether {@code sonde_sched_preempted_seconds_total} is counted
 * @param nearTasks how many tasks have a record near at hand, a power of two; the others, and all
 *     if it is 1, have theirs in task storage
 * @param bytes what the maps take
 * @param leftOut what was given up for the limit, in words; empty if nothing was
 */
public record MemoryPlan(
    int maxSlots,
    int rowShift,
    boolean offCpu,
    boolean neighbours,
    int nearTasks,
    long bytes,
    List<String> leftOut) {

  /** {@code --max-workloads} is not made smaller than this, whatever the limit. */
  public static final int FEWEST_WORKLOADS = 16;

  private static final int MOST_SHIFT = 3;

  /** Where there is memory: a place for each of the last 14 bits of a pid. */
  private static final int NEAR_TASKS = 1 << 14;

  /**
   * {@code near_records} and {@code near_claims} of near_records.h, whose elements are rounded up.
   */
  private static final int NEAR_TASK = 64 + 8;

  /** htab_elem and its 8-byte key and value; a bucket: kernel/bpf/hashtab.c. */
  private static final int HASH_ENTRY = 48 + 16;

  private static final int HASH_BUCKET = 16;
  private static final int PAGE = 4096;

  /** Hashes of a fixed size: reclaims under way; kills, first threads' and starts' marks. */
  private static final int[] SMALL_HASHES = {4096, 512, 1024, 256};

  public MemoryPlan {
    leftOut = List.copyOf(leftOut);
  }

  /**
   * @param limit in bytes
   * @param wanted {@code --max-workloads}
   * @param cpus possible CPUs
   */
  public static MemoryPlan of(long limit, int wanted, int cpus, int ringBytes) {
    int slots = wanted;
    int shift = 0;
    boolean offCpu = true;
    boolean neighbours = true;
    int near = NEAR_TASKS;
    while (true) {
      long bytes =
          bytes(slots, cpus, shift, offCpu, neighbours, ringBytes) + pages((long) near * NEAR_TASK);
      boolean fits = bytes <= limit;
      if (!fits && shift < MOST_SHIFT && rows(cpus, shift) > 1) {
        shift++;
      } else if (!fits && offCpu) {
        offCpu = false;
      } else if (!fits && neighbours) {
        neighbours = false;
      } else if (!fits && near > 1) {
        near = 1;
      } else if (!fits && slots > FEWEST_WORKLOADS) {
        slots = Math.max(FEWEST_WORKLOADS, slots / 2);
      } else {
        List<String> leftOut = leftOut(wanted, slots, shift, offCpu, neighbours);
        if (near == 1) {
          leftOut.add("no near records of tasks");
        }
        return new MemoryPlan(slots, shift, offCpu, neighbours, near, bytes, leftOut);
      }
    }
  }

  private static List<String> leftOut(
      int wanted, int slots, int shift, boolean offCpu, boolean neighbours) {
    List<String> out = new ArrayList<>();
    if (shift > 0) {
      out.add((1 << shift) + " CPUs share a row");
    }
    if (!offCpu) {
      out.add("no sonde_sched_off_cpu_seconds");
    }
    if (!neighbours) {
      out.add("no sonde_sched_preempted_seconds_total");
    }
    if (slots < wanted) {
      out.add(slots + " workloads instead of " + wanted);
    }
    return out;
  }

  private static long bytes(
      int slots, int cpus, int shift, boolean offCpu, boolean neighbours, int ringBytes) {
    long rows = (long) rows(cpus, shift) * slots;
    long sum = pages(rows * SchedStats.SIZE);
    sum += pages(offCpu ? rows * SchedOffCpu.SIZE : SchedOffCpu.SIZE);
    sum +=
        pages((long) cpus * slots * ProcessStats.SIZE)
            + pages((long) cpus * slots * MemoryStats.SIZE);
    sum += pages((long) slots * ContainerStart.SIZE);
    sum += pages((long) cpus * slots * TcpStats.SIZE);
    sum += pages((long) cpus * slots * TcpConnectionStats.SIZE);
    sum += pages((long) slots * TcpHoldups.SIZE) + pages((long) slots * CensusRow.SIZE);
    sum += pages((long) slots * TcpLatencies.KINDS * TcpLatency.SIZE) + pages(cpus * 64L);
    sum += pages(cpus * CpuState.SIZE) + pages(cpus * LossRow.SIZE);
    // cgroup_slots, free_slots, slot_owners, neighbours_rest
    sum += hash(slots, cpus) + pages(8L * (slots + 1)) + pages(8L * slots);
    if (neighbours) {
      sum += hash(pairs(slots), cpus) + pages(8L * slots);
    }
    for (int entries : SMALL_HASHES) {
      sum += hash(entries, cpus);
    }
    return sum + ringBytes + 4L * PAGE;
  }

  /** How many rows a workload has. */
  static int rows(int cpus, int shift) {
    return ((cpus - 1) >> shift) + 1;
  }

  /** How many pairs of victim and culprit are kept apart. */
  static int pairs(int slots) {
    return Math.max(1024, 4 * slots);
  }

  private static long hash(long entries, int cpus) {
    long buckets = Long.highestOneBit(Math.max(1, entries - 1)) * 2;
    return (entries + cpus) * HASH_ENTRY + buckets * HASH_BUCKET;
  }

  private static long pages(long bytes) {
    return (bytes + PAGE - 1) / PAGE * PAGE;
  }
}
