package dev.sonde.agent.probe;

import dev.sonde.agent.probe.Rung.Records;
import dev.sonde.ffi.BpfMap;
import dev.sonde.ffi.BpfObject;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/**
 * The maps that all probes share, by name.
 *
 * <p>A probe may be an object of its own, so that one that the kernel refuses takes no other with
 * it. The first object that loads creates a map; the objects after it use that one. Owned and used
 * by the thread that attaches.
 */
final class SharedMaps {
  private record Owned(BpfMap map, BpfObject creator) {}

  private final KernelSettings settings;
  private final Map<String, Owned> known = new HashMap<>();

  SharedMaps(KernelSettings settings) {
    this.settings = settings;
  }

  /**
   * Sizes the maps of an object that is opened and not yet loaded, or puts the known ones in their
   * place.
   */
  void prepare(BpfObject object, Records records) {
    Set<String> unused = unused(records);
    for (BpfMap map : object.maps()) {
      Owned existing = known.get(map.name());
      if (existing != null) {
        map.reuse(existing.map());
      } else if (unused.contains(map.name())) {
        map.setAutocreate(false);
      } else {
        size(map);
      }
    }
  }

  /**
   * Remembers the maps that a loaded object created, and fills in what the programs expect to find:
   * call it before the first of them is attached.
   */
  void adopt(BpfObject object, Records records) {
    Set<String> unused = unused(records);
    for (BpfMap map : object.maps()) {
      if (map.name().contains(".")
          || unused.contains(map.name())
          || known.containsKey(map.name())) {
        continue;
      }
      known.put(map.name(), new Owned(map, object));
      switch (map.name()) {
        case "free_slots" -> Slots.fillFree(map, settings.maxSlots());
        case "slot_owners" -> Slots.nameOther(map);
        default -> {
          // starts empty
        }
      }
    }
  }

  /** Undoes {@link #adopt}: the object is about to close. */
  void forget(BpfObject object) {
    known.values().removeIf(owned -> owned.creator() == object);
  }

  /**
   * @throws IllegalStateException no probe that has this map is loaded
   */
  BpfMap get(String name) {
    Owned owned = known.get(name);
    if (owned == null) {
      throw new IllegalStateException(
          "BPF map " + name + " was not created; there are " + known.keySet());
    }
    return owned.map();
  }

  boolean has(String name) {
    return known.containsKey(name);
  }

  private void size(BpfMap map) {
    switch (map.name()) {
      case "cgroup_slots",
          "free_slots",
          "slot_owners",
          "container_starts",
          "tcp_holdups",
          "tcp_census" ->
          map.setMaxEntries(settings.maxSlots());
      case "losses", "cpu_states", "events_perf", "tcp_counted_changes" ->
          map.setMaxEntries(settings.cpus());
      case "events" -> map.setMaxEntries(settings.ringBytes());
      case "tcp_stats", "tcp_connection_stats", "process_stats", "memory_stats" ->
          map.setMaxEntries(Math.multiplyExact(settings.cpus(), settings.maxSlots()));
      case "sched_stats" -> map.setMaxEntries(schedRows());
      case "sched_off_cpu" -> map.setMaxEntries(settings.memory().offCpu() ? schedRows() : 1);
      case "near_records", "near_claims" -> map.setMaxEntries(settings.memory().nearTasks());
      case "neighbours" ->
          map.setMaxEntries(
              settings.memory().neighbours() ? MemoryPlan.pairs(settings.maxSlots()) : 1);
      case "neighbours_rest" ->
          map.setMaxEntries(settings.memory().neighbours() ? settings.maxSlots() : 1);
      case "tcp_latencies" ->
          map.setMaxEntries(Math.multiplyExact(settings.maxSlots(), TcpLatencies.KINDS));
      default -> {
        // as the object says
      }
    }
  }

  private int schedRows() {
    int rows = MemoryPlan.rows(settings.cpus(), settings.memory().rowShift());
    return Math.multiplyExact(rows, settings.maxSlots());
  }

  /**
   * The other kind of buffer and of record: not created, since this kernel may not even have it.
   */
  private Set<String> unused(Records records) {
    String buffer = settings.perfBuffer() ? "events" : "events_perf";
    return records == Records.STORAGE
        ? Set.of(buffer, "task_records_by_pid", "socket_records_by_address")
        : Set.of(
            buffer, "task_records", "near_records", "near_claims", "socket_records", "listeners");
  }
}
