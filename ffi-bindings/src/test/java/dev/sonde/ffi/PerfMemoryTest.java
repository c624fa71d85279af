package dev.sonde.ffi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The perf buffer's protocol on memory written by hand. */
class PerfMemoryTest {
  private static final int SIZE = 1024;

  private final Arena arena = Arena.ofConfined();
  private final MemorySegment positions = arena.allocate(4096, 8);
  private final MemorySegment data = arena.allocate(SIZE, 8);
  private final PerfMemory perf = new PerfMemory("of test on CPU 0", positions, data);
  private final List<Integer> seen = new ArrayList<>();

  @AfterEach
  void close() {
    arena.close();
  }

  private void word(long at, int value) {
    data.set(ValueLayout.JAVA_INT, at % SIZE, value);
  }

  private long head() {
    return positions.get(ValueLayout.JAVA_LONG, PerfMemory.DATA_HEAD);
  }

  private long tail() {
    return positions.get(ValueLayout.JAVA_LONG, PerfMemory.DATA_TAIL);
  }

  private void startAt(long at) {
    positions.set(ValueLayout.JAVA_LONG, PerfMemory.DATA_HEAD, at);
    positions.set(ValueLayout.JAVA_LONG, PerfMemory.DATA_TAIL, at);
  }

  private void header(int type, int size) {
    word(head(), type);
    word(head() + 4, size << 16);
  }

  private void advance(int size) {
    positions.set(ValueLayout.JAVA_LONG, PerfMemory.DATA_HEAD, head() + size);
  }

  /** A sample of {@code words} ints that count up from {@code first}. */
  private void sample(int words, int first) {
    int size = 12 + words * 4;
    header(PerfMemory.RECORD_SAMPLE, size);
    word(head() + 8, words * 4);
    for (int i = 0; i < words; i++) {
      word(head() + 12 + i * 4L, first + i);
    }
    advance(size);
  }

  private void lost(long count) {
    header(PerfMemory.RECORD_LOST, 24);
    data.set(ValueLayout.JAVA_LONG, (head() + 16) % SIZE, count);
    advance(24);
  }

  private int drain(int most) {
    return perf.drain(
        (memory, at, length) -> {
          for (int i = 0; i < length; i += 4) {
            seen.add(memory.get(ValueLayout.JAVA_INT_UNALIGNED, at + i));
          }
        },
        most);
  }

  @Test
  void samplesComeInOrderAndFreeTheirRoom() {
    sample(3, 10);
    sample(1, 20);
    assertThat(perf.hasData()).isTrue();
    assertThat(drain(10)).isEqualTo(2);
    assertThat(seen).containsExactly(10, 11, 12, 20);
    assertThat(tail()).isEqualTo(head());
    assertThat(perf.hasData()).isFalse();
  }

  @Test
  void aSampleAcrossTheEndIsPutTogether() {
    for (int before = 8; before <= 40; before += 8) {
      seen.clear();
      startAt(SIZE - before);
      sample(7, before);
      assertThat(drain(10)).isEqualTo(1);
      assertThat(seen)
          .containsExactly(
              before, before + 1, before + 2, before + 3, before + 4, before + 5, before + 6);
    }
  }

  @Test
  void lostRecordsAreCountedAndNotHandedOver() {
    lost(5);
    sample(1, 1);
    assertThat(drain(10)).isEqualTo(1);
    startAt(SIZE - 16);
    lost(7);
    assertThat(drain(10)).isZero();
    assertThat(perf.lost()).isEqualTo(12);
  }

  @Test
  void otherRecordsAreSkipped() {
    header(5 /* PERF_RECORD_THROTTLE */, 32);
    advance(32);
    sample(1, 1);
    assertThat(drain(10)).isEqualTo(1);
    assertThat(seen).containsExactly(1);
  }

  @Test
  void aPassEndsAtItsCap() {
    for (int i = 0; i < 4; i++) {
      sample(1, i);
    }
    assertThat(drain(3)).isEqualTo(3);
    assertThat(tail()).isEqualTo(48);
    assertThat(drain(3)).isEqualTo(1);
  }

  @Test
  void sizesThatMakeNoSenseAreErrorsNotCrashes() {
    for (int size : new int[] {0, 7, 12, 64, 65_528}) {
      startAt(0);
      header(PerfMemory.RECORD_SAMPLE, size);
      word(8, 4);
      advance(16);
      assertThatThrownBy(() -> drain(10))
          .as("size %d of 16", size)
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("perf buffer of test on CPU 0 is corrupt: size " + size);
    }
  }

  @Test
  void aRawSizeBeyondItsRecordIsAnError() {
    for (int raw : new int[] {5, 1 << 20, -1}) {
      startAt(0);
      sample(1, 1);
      word(8, raw);
      assertThatThrownBy(() -> drain(10))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("raw size");
    }
    startAt(0);
    header(PerfMemory.RECORD_LOST, 16);
    advance(16);
    assertThatThrownBy(() -> drain(10)).hasMessageContaining("lost record");
  }

  @Test
  void aFailingHandlerLosesItsRecordAndNoOther() {
    sample(1, 1);
    sample(1, 2);
    assertThatThrownBy(
            () ->
                perf.drain(
                    (memory, at, length) -> {
                      throw new UnsupportedOperationException();
                    },
                    10))
        .isInstanceOf(UnsupportedOperationException.class);
    assertThat(drain(10)).isEqualTo(1);
    assertThat(seen).containsExactly(2);
  }

  @Test
  void cpuListsAreRangesAndNumbers() {
    assertThat(PerfBufferReader.parseCpus("0-2,5,7-8\n")).containsExactly(0, 1, 2, 5, 7, 8);
    assertThat(PerfBufferReader.parseCpus("0")).containsExactly(0);
  }
}
