package dev.sonde.ffi;

import static dev.sonde.ffi.TestObjects.longs;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.BitSet;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

@KernelTest
class BpfMapKernelIT {
  private final BpfObject object = TestObjects.open();
  private final Arena arena = Arena.ofConfined();

  @BeforeEach
  void load() {
    object.load();
  }

  @AfterEach
  void close() {
    object.close();
    arena.close();
  }

  private static void fill(BpfMap pairs, MemorySegment key, MemorySegment value, int entries) {
    for (int i = 0; i < entries; i++) {
      key.set(JAVA_INT, 0, i);
      key.set(JAVA_INT, 4, -i);
      value.set(JAVA_LONG, 0, 3L * i);
      pairs.update(key, value, Update.ANY);
    }
  }

  @Test
  void aHashIsReadWholeByBatchesAgainAndAgain() {
    BpfMap pairs = object.map("pairs");
    fill(pairs, arena.allocate(8, 8), arena.allocate(16, 8), 10_000);
    for (int round = 0; round < 3; round++) {
      BitSet seen = new BitSet();
      int entries =
          pairs.forEach(
              (keys, k, values, v) -> {
                int i = keys.get(JAVA_INT, k);
                assertThat(keys.get(JAVA_INT, k + 4)).isEqualTo(-i);
                assertThat(values.get(JAVA_LONG, v)).isEqualTo(3L * i);
                seen.set(i);
              });
      assertThat(entries).isEqualTo(10_000);
      assertThat(seen.cardinality()).isEqualTo(10_000);
    }
  }

  @Test
  void anEmptyHashHasNoEntries() {
    assertThat(object.map("pairs").forEach((keys, k, values, v) -> {})).isZero();
  }

  @Test
  void singleEntriesAreWrittenReadAndDeleted() {
    BpfMap pairs = object.map("pairs");
    MemorySegment key = arena.allocate(8, 8);
    MemorySegment value = arena.allocate(16, 8);
    assertThat(pairs.lookup(key, value)).isFalse();
    assertThat(pairs.delete(key)).isFalse();
    fill(pairs, key, value, 2);
    assertThat(pairs.lookup(key, value)).isTrue();
    assertThat(value.get(JAVA_LONG, 0)).isEqualTo(3);
    assertThatThrownBy(() -> pairs.update(key, value, Update.CREATE))
        .isInstanceOf(BpfException.class)
        .hasMessage("update map pairs: EEXIST (File exists)");
    assertThat(pairs.delete(key)).isTrue();
    assertThatThrownBy(() -> pairs.update(key, value, Update.REPLACE))
        .hasMessageContaining("ENOENT");
  }

  @Test
  void aSegmentThatIsTooSmallNeverReachesTheKernel() {
    BpfMap pairs = object.map("pairs");
    assertThatThrownBy(() -> pairs.lookup(arena.allocate(7), arena.allocate(16)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("the key for map pairs must be a native segment of at least 8 bytes");
    assertThatThrownBy(() -> pairs.lookup(arena.allocate(8), MemorySegment.ofArray(new byte[16])))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void perCpuValuesAreSummedOverAllCpus() {
    BpfMap perCpu = object.map("per_cpu");
    for (int cpu = 0; cpu < Runtime.getRuntime().availableProcessors(); cpu++) {
      object.program("settings").testRun(longs(100 + cpu, 0), new byte[0], cpu);
    }
    PerCpuValues each = PerCpuValues.of(perCpu);
    long[] sums = new long[2];
    int entries =
        perCpu.forEach(
            (keys, k, values, v) -> {
              sums[0] += each.sumLong(values, v, 0);
              sums[1] += each.sumInt(values, v, 8);
            });
    assertThat(entries).isEqualTo(4);
    int cpus = Runtime.getRuntime().availableProcessors();
    assertThat(sums[1]).isEqualTo(cpus);
    assertThat(sums[0]).isEqualTo(100L * cpus + cpus * (cpus - 1L) / 2);

    MemorySegment value = arena.allocate(perCpu.valueBufferSize(), 8);
    assertThat(perCpu.lookup(arena.allocateFrom(JAVA_INT, 0), value)).isTrue();
    assertThat(value.get(JAVA_LONG, each.offset(0, 1))).isEqualTo(101);

    long[] small = new long[1];
    BpfMap hash = object.map("per_cpu_hash");
    PerCpuValues copies = PerCpuValues.of(hash);
    hash.forEach((keys, k, values, v) -> small[0] += copies.sumInt(values, v, 0));
    assertThat(small[0]).isEqualTo(cpus);
  }

  @Test
  void aMappedArraySeesTheKernelsWritesWithoutASystemCall() {
    MemorySegment closed;
    try (MappedArray slots = object.map("slots").mmap()) {
      closed = slots.segment();
      assertThat(slots.stride()).isEqualTo(16);
      assertThat(slots.segment().byteSize()).isEqualTo(512 * 16);
      assertThat(slots.segment().isReadOnly()).isTrue();
      object.program("settings").testRun(longs(1, 0), new byte[0], -1);
      assertThat(slots.segment().get(JAVA_INT, 5 * slots.stride() + 4)).isEqualTo(1);
    }
    assertThatThrownBy(() -> closed.get(JAVA_INT, 0)).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> object.map("pairs").mmap()).hasMessageContaining("BPF_F_MMAPABLE");
  }

  @Test
  void aPartOfAMappedArrayHoldsThoseValuesAndNoMore() {
    try (MappedArray whole = object.map("slots").mmap();
        MappedArray one = object.map("slots").mmap(5, 1);
        MappedArray late = object.map("slots").mmap(300, 212)) { // in the array's second page
      object.program("settings").testRun(longs(1, 0), new byte[0], -1);
      assertThat(one.segment().byteSize()).isEqualTo(16);
      assertThat(one.segment().get(JAVA_INT, 4)).isEqualTo(1);
      assertThatThrownBy(() -> one.segment().get(JAVA_INT, 16))
          .isInstanceOf(IndexOutOfBoundsException.class);
      setSlot(400, 77);
      assertThat(late.segment().get(JAVA_INT, 100 * 16)).isEqualTo(77);
      assertThat(late.segment().toArray(JAVA_INT))
          .isEqualTo(whole.segment().asSlice(300 * 16).toArray(JAVA_INT));
    }
    assertThatThrownBy(() -> object.map("slots").mmap(500, 13))
        .isInstanceOf(IndexOutOfBoundsException.class);
  }

  private void setSlot(int index, int value) {
    BpfMap slots = object.map("slots");
    MemorySegment bytes = arena.allocate(slots.valueBufferSize(), 8);
    bytes.set(JAVA_INT, 0, value);
    slots.update(arena.allocateFrom(JAVA_INT, index), bytes, Update.ANY);
  }

  @Test
  void aQueueIsFirstInFirstOut() {
    BpfMap queue = object.map("queue");
    MemorySegment value = arena.allocate(8, 8);
    for (int i = 1; i <= 4; i++) {
      value.set(JAVA_LONG_UNALIGNED, 0, i);
      queue.push(value);
    }
    assertThatThrownBy(() -> queue.push(value)).hasMessageContaining("the map is full");
    for (int i = 1; i <= 4; i++) {
      assertThat(queue.pop(value)).isTrue();
      assertThat(value.get(JAVA_LONG, 0)).isEqualTo(i);
    }
    assertThat(queue.pop(value)).isFalse();
  }

  @Test
  void aMapIsSharedBetweenObjects() {
    try (BpfObject second = TestObjects.open()) {
      second.map("pairs").reuse(object.map("pairs"));
      second.map("events").setMaxEntries(1 << 20);
      second.load();
      fill(second.map("pairs"), arena.allocate(8, 8), arena.allocate(16, 8), 5);
      assertThat(object.map("pairs").forEach((keys, k, values, v) -> {})).isEqualTo(5);
      assertThat(second.map("events").maxEntries()).isEqualTo(1 << 20);
    }
  }
}
