package dev.sonde.ffi;

import static dev.sonde.ffi.TestObjects.longs;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

@KernelTest
class ReadersKernelIT {
  private static final byte[] NO_DATA = new byte[0];

  private static long count(BpfObject object, int which) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment value = arena.allocate(8, 8);
      object.map("counts").lookup(arena.allocateFrom(ValueLayout.JAVA_INT, which), value);
      return value.get(ValueLayout.JAVA_LONG, 0);
    }
  }

  @Test
  void theRingDeliversAllButTheDiscarded() {
    try (BpfObject object = TestObjects.open()) {
      object.load();
      try (RingBufferReader reader = RingBufferReader.open(object.map("events"))) {
        object.program("produce").testRun(longs(20, 5), NO_DATA, 0);
        List<Long> seen = new ArrayList<>();
        reader.await(0);
        int records =
            reader.drain(
                (data, at, length) -> {
                  assertThat(length).isEqualTo(64);
                  assertThat(data.get(ValueLayout.JAVA_SHORT_UNALIGNED, at + 12))
                      .isEqualTo((short) 5);
                  seen.add(data.get(ValueLayout.JAVA_LONG_UNALIGNED, at));
                },
                1000);
        assertThat(records).isEqualTo(15);
        assertThat(seen).containsExactlyElementsOf(LongStream.range(5, 20).boxed().toList());
        assertThat(reader.drain((data, at, length) -> {}, 1000)).isZero();
      }
    }
  }

  @Test
  void aFullRingLosesExactlyWhatTheProgramCounts() {
    try (BpfObject object = TestObjects.open()) {
      object.load();
      try (RingBufferReader reader = RingBufferReader.open(object.map("events"))) {
        long read = 0;
        for (int round = 0; round < 20; round++) {
          object.program("produce").testRun(longs(250, 0), NO_DATA, -1);
          read += reader.drain((data, at, length) -> {}, 100 + round);
        }
        while (true) {
          int more = reader.drain((data, at, length) -> {}, 1000);
          if (more == 0) {
            break;
          }
          read += more;
        }
        assertThat(count(object, 1)).as("failed reserves").isPositive();
        assertThat(read).isEqualTo(count(object, 0));
        assertThat(count(object, 0) + count(object, 1)).isEqualTo(20 * 250);
      }
    }
  }

  @Test
  void perfBuffersDeliverAndCountTheirLoss() {
    try (BpfObject object = TestObjects.open()) {
      object.load();
      try (PerfBufferReader reader = PerfBufferReader.open(object.map("perf_events"), 2)) {
        long read = 0;
        for (int round = 0; round < 9; round++) {
          object.program("produce_perf").testRun(longs(40, 0), NO_DATA, round % 2);
          reader.await(1000);
          read +=
              reader.drain(
                  (data, at, length) -> {
                    assertThat(length).isGreaterThanOrEqualTo(64);
                    assertThat(data.get(ValueLayout.JAVA_LONG_UNALIGNED, at)).isBetween(0L, 39L);
                  },
                  1000);
        }
        assertThat(read).isEqualTo(360);
        assertThat(reader.lost()).isZero();

        object.program("produce_perf").testRun(longs(250, 0), NO_DATA, 0);
        read += reader.drain((data, at, length) -> {}, 10_000);
        // The kernel writes its LOST record before the next sample that finds room.
        object.program("produce_perf").testRun(longs(1, 0), NO_DATA, 0);
        read += reader.drain((data, at, length) -> {}, 10_000);
        assertThat(read).isEqualTo(count(object, 0));
        assertThat(reader.lost()).isPositive().isEqualTo(count(object, 1));
      }
    }
  }

  @Test
  void anotherThreadWakesAWaitingReader() throws InterruptedException {
    try (BpfObject object = TestObjects.open()) {
      object.load();
      RingBufferReader reader = RingBufferReader.open(object.map("events"));
      Thread waiting = Thread.ofPlatform().start(() -> reader.await(-1));
      reader.wake();
      waiting.join();
      reader.close();
      reader.close();
      reader.wake();
      assertThatThrownBy(() -> reader.drain((data, at, length) -> {}, 1))
          .isInstanceOf(IllegalStateException.class)
          .hasMessage("the reader of ring buffer events is closed");
    }
  }

  @Test
  @SuppressWarnings("try") // the explicit close is what is tested
  void aHandlerMayNotCloseItsReader() {
    try (BpfObject object = TestObjects.open()) {
      object.load();
      try (RingBufferReader reader = RingBufferReader.open(object.map("events"))) {
        object.program("produce").testRun(longs(2, 0), NO_DATA, -1);
        assertThatThrownBy(() -> reader.drain((data, at, length) -> reader.close(), 10))
            .isInstanceOf(IllegalStateException.class)
            .hasMessageContaining("inside its own handler");
        assertThat(reader.drain((data, at, length) -> {}, 10)).isEqualTo(1);
      }
    }
  }

  @Test
  void theReaderOutlivesItsObject() {
    RingBufferReader reader;
    try (BpfObject object = TestObjects.open()) {
      object.load();
      reader = RingBufferReader.open(object.map("events"));
      object.program("produce").testRun(longs(3, 0), NO_DATA, -1);
    }
    assertThat(reader.drain((data, at, length) -> {}, 10)).isEqualTo(3);
    reader.close();
  }

  @Test
  void onlyARingIsReadAsARing() {
    try (BpfObject object = TestObjects.open()) {
      object.load();
      assertThatThrownBy(() -> RingBufferReader.open(object.map("pairs")))
          .hasMessage("map pairs is not a ring buffer");
      assertThatThrownBy(() -> PerfBufferReader.open(object.map("events"), 8))
          .hasMessage("map events is not a perf event array");
      assertThatThrownBy(() -> PerfBufferReader.open(object.map("perf_events"), 3))
          .hasMessageContaining("power of two");
    }
  }
}
