package dev.sonde.ffi;

import static dev.sonde.ffi.TestObjects.longs;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Whatever is opened is closed: descriptors, mappings; also after failures. */
@KernelTest
class LeaksKernelIT {
  private static long descriptors() throws IOException {
    try (Stream<Path> open = Files.list(Path.of("/proc/self/fd"))) {
      return open.count();
    }
  }

  private static List<String> kernelMappings() throws IOException {
    try (Stream<String> lines = Files.lines(Path.of("/proc/self/maps"))) {
      return lines
          .filter(line -> line.contains("bpf-map") || line.contains("[perf_event]"))
          .toList();
    }
  }

  private static void everything() {
    try (BpfStatistics on = BpfStatistics.enable();
        BpfObject object = TestObjects.open()) {
      assertThat(on).isNotNull();
      object.setGlobal("target", 1);
      object.load();
      try (BpfLink link = object.program("on_switch").attach();
          EventReader ring = RingBufferReader.open(object.map("events"));
          EventReader perf = PerfBufferReader.open(object.map("perf_events"), 1);
          MappedArray slots = object.map("slots").mmap()) {
        assertThat(link.fd()).isPositive();
        assertThat(slots.segment().byteSize()).isPositive();
        object.program("produce").testRun(longs(1, 0), new byte[0], -1);
        assertThat(ring.drain((data, at, length) -> {}, 10)).isEqualTo(1);
        assertThat(perf.drain((data, at, length) -> {}, 10)).isZero();
      }
      assertThat(object.program("dump_files").readIterator()).isNotEmpty();
      assertThat(object.program("on_switch").info().id()).isPositive();
    }
  }

  private static void failures() {
    assertThatThrownBy(() -> BpfObject.open("bad", new byte[64], OpenOptions.none()))
        .isInstanceOf(BpfException.class);
    try (BpfObject object = TestObjects.open()) {
      object.program("refused").setAutoload(true);
      assertThatThrownBy(object::load).isInstanceOf(BpfException.class);
    }
    try (BpfObject object = TestObjects.open()) {
      object.load();
      assertThatThrownBy(() -> RingBufferReader.open(object.map("slots")))
          .isInstanceOf(IllegalArgumentException.class);
      // Too many pages for the kernel: mmap fails after the event is open.
      assertThatThrownBy(() -> PerfBufferReader.open(object.map("perf_events"), 1 << 28))
          .isInstanceOf(BpfException.class);
      // A program that cannot be attached by its section.
      assertThatThrownBy(() -> object.program("packet_length").attach())
          .isInstanceOf(BpfException.class)
          .hasMessageContaining("attach packet_length to socket: ");
    }
  }

  @Test
  void nothingStaysOpen() throws IOException {
    everything();
    failures();
    long before = descriptors();
    for (int i = 0; i < 3; i++) {
      everything();
      failures();
    }
    assertThat(descriptors()).isEqualTo(before);
    assertThat(kernelMappings()).isEmpty();
  }

  @Test
  void theKernelWritesNotAByteBehindTheCallersBuffers() {
    try (BpfObject object = TestObjects.open();
        GuardedMemory keys = new GuardedMemory(8);
        GuardedMemory values = new GuardedMemory(4096);
        Arena arena = Arena.ofConfined()) {
      object.load();
      BpfMap pairs = object.map("pairs");
      MemorySegment key = keys.last(8);
      pairs.update(key, arena.allocate(16, 8), Update.ANY);
      assertThat(pairs.lookup(key, values.last(16))).isTrue();
      BpfMap perCpu = object.map("per_cpu");
      assertThat(perCpu.lookup(keys.last(4), values.last(perCpu.valueBufferSize()))).isTrue();
    }
  }
}
