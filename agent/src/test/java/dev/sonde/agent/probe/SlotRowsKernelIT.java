package dev.sonde.agent.probe;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sonde.agent.KernelTest;
import dev.sonde.ffi.BpfMap;
import dev.sonde.ffi.KernelFeatures;
import dev.sonde.ffi.Update;
import dev.sonde.ffi.layout.MemoryStats;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Every slot's rows of all CPUs, also of slots that come long after the first were mapped. */
@KernelTest
class SlotRowsKernelIT {
  /** So many that no CPU's part but the first starts at a page. */
  private static final int SLOTS = 1999;

  @Test
  void rowsAreFoundWhereTheKernelHasThemAndNoMoreIsMapped() throws IOException {
    int cpus = KernelFeatures.possibleCpus();
    KernelSettings settings = new KernelSettings(SLOTS, cpus, false, 0, 1 << 20, false, null);
    try (ProbeSet probes = ProbeSet.attach(settings, Map.of(), "memory_reclaim"::equals);
        SlotRows rows = probes.rowsPerCpu("memory_stats")) {
      BpfMap map = probes.maps().get("memory_stats");
      assertThat(map.maxEntries()).isEqualTo(cpus * SLOTS);
      for (int slot = 0; slot < SLOTS; slot++) {
        for (int cpu = 0; cpu < cpus; cpu++) {
          put(map, cpu * SLOTS + slot, kills(cpu, slot));
        }
      }
      long before = mapped();
      assertThat(sum(rows, 3)).isEqualTo(expected(cpus, 3));
      assertThat(mapped() - before).isBetween(1L, cpus * 8192L);
      for (int slot : new int[] {0, 63, 64, 65, 127, 128, 700, 1023, 1024, SLOTS - 1, 5}) {
        assertThat(sum(rows, slot)).as("slot %d", slot).isEqualTo(expected(cpus, slot));
      }
      put(map, SLOTS - 1, 7_000_000);
      assertThat(sum(rows, SLOTS - 1))
          .isEqualTo(expected(cpus, SLOTS - 1) - kills(0, SLOTS - 1) + 7_000_000);
    }
  }

  private static long sum(SlotRows rows, int slot) {
    return rows.sum(slot, MemoryStats::oomKills);
  }

  private static long kills(int cpu, int slot) {
    return 1000L * slot + cpu + 1;
  }

  private static long expected(int cpus, int slot) {
    long sum = 0;
    for (int cpu = 0; cpu < cpus; cpu++) {
      sum += kills(cpu, slot);
    }
    return sum;
  }

  private static void put(BpfMap map, int index, long kills) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment value = arena.allocate(MemoryStats.SIZE, 8);
      MemoryStats.setOomKills(value, 0, kills);
      map.update(arena.allocateFrom(ValueLayout.JAVA_INT, index), value, Update.ANY);
    }
  }

  /** Bytes of BPF maps in this process. */
  private static long mapped() throws IOException {
    long bytes = 0;
    for (String line : Files.readAllLines(Path.of("/proc/self/maps"))) {
      if (line.contains("bpf-map")) {
        String[] range = line.substring(0, line.indexOf(' ')).split("-");
        bytes += Long.parseLong(range[1], 16) - Long.parseLong(range[0], 16);
      }
    }
    return bytes;
  }
}
