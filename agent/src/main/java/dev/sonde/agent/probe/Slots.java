package dev.sonde.agent.probe;

import dev.sonde.agent.workload.PodTable;
import dev.sonde.ffi.BpfMap;
import dev.sonde.ffi.MappedArray;
import dev.sonde.ffi.Update;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.IntConsumer;
import java.util.function.LongPredicate;

/**
 * The kernel's numbers for workloads: which cgroup has which slot, and giving slots back.
 *
 * <p>The programs take slots; the agent alone frees them. Owned by the snapshot thread.
 *
 * <p>Source of the definition: {@code bpf-programs/include/workloads.h}.
 */
final class Slots implements AutoCloseable {
  static final int OTHER = 0;

  /** The owner of a free slot: {@code CGROUP_NOBODY} of workloads.h. */
  static final long NOBODY = 0;

  private final BpfMap cgroupSlots;
  private final BpfMap freeSlots;
  private final BpfMap slotOwners;
  private final BpfMap slotEpoch;
  private final MappedArray owners;
  private final int maxSlots;
  private int highest;
  private int epoch;

  Slots(SharedMaps maps, int maxSlots) {
    this.cgroupSlots = maps.get("cgroup_slots");
    this.freeSlots = maps.get("free_slots");
    this.slotOwners = maps.get("slot_owners");
    this.slotEpoch = maps.get("slot_epoch");
    this.owners = slotOwners.mmap();
    this.maxSlots = maxSlots;
  }

  /**
   * Slots are taken in order, low ones first, so that a look at the taken ones is a look at the
   * start.
   */
  static void fillFree(BpfMap freeSlots, int maxSlots) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment slot = arena.allocate(ValueLayout.JAVA_INT);
      for (int i = OTHER + 1; i < maxSlots; i++) {
        slot.set(ValueLayout.JAVA_INT, 0, i);
        freeSlots.push(slot);
      }
    }
  }

  static void nameOther(BpfMap slotOwners) {
    setOwner(slotOwners, OTHER, PodTable.OTHER_ID);
  }

  private static void setOwner(BpfMap slotOwners, int slot, long owner) {
    try (Arena arena = Arena.ofConfined()) {
      slotOwners.update(
          arena.allocateFrom(ValueLayout.JAVA_INT, slot),
          arena.allocateFrom(ValueLayout.JAVA_LONG, owner),
          Update.ANY);
    }
  }

  /** The cgroup id that has {@code slot} now, or {@link #NOBODY}. */
  long owner(int slot) {
    return owners.segment().get(ValueLayout.JAVA_LONG, slot * 8L);
  }

  /**
   * One more than the highest slot that was ever taken. Free slots may lie below it: two CPUs that
   * see the first event of one cgroup both take a slot, and one of the two goes back.
   */
  int end() {
    for (int i = maxSlots - 1; i > highest; i--) {
      if (owner(i) != NOBODY) {
        highest = i;
      }
    }
    return highest + 1;
  }

  int taken() {
    int n = 0;
    for (int i = 0; i < end(); i++) {
      if (owner(i) != NOBODY) {
        n++;
      }
    }
    return n;
  }

  /**
   * Gives back the slots of cgroups that are gone. Their counters must have been read: the next
   * owner counts on from where they stand.
   *
   * @param forget told of each slot before anyone else can have it
   */
  void free(LongPredicate gone, IntConsumer forget) {
    Deque<Integer> freed = new ArrayDeque<>();
    for (int i = OTHER + 1; i < end(); i++) {
      long id = owner(i);
      if (id != NOBODY && gone.test(id)) {
        freed.add(i);
      }
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment key = arena.allocate(ValueLayout.JAVA_LONG);
      MemorySegment value = arena.allocate(ValueLayout.JAVA_INT);
      for (int slot : freed) {
        key.set(ValueLayout.JAVA_LONG, 0, owner(slot));
        cgroupSlots.delete(key);
        setOwner(slotOwners, slot, NOBODY);
        forget.accept(slot);
        value.set(ValueLayout.JAVA_INT, 0, slot);
        freeSlots.push(value);
      }
      if (!freed.isEmpty()) {
        // tasks that were put into ~other look again
        slotEpoch.update(
            arena.allocateFrom(ValueLayout.JAVA_INT, 0),
            arena.allocateFrom(ValueLayout.JAVA_INT, ++epoch),
            Update.ANY);
      }
    }
  }

  @Override
  public void close() {
    owners.close();
  }
}
