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

/** The ring's protocol on memory written by hand. */
class RingLoopTest {
  private static final int SIZE = 4096;
  private static final int BUSY = 1 << 31;
  private static final int DISCARD = 1 << 30;

  private final Arena arena = Arena.ofConfined();
  private final MemorySegment consumer = arena.allocate(8, 8);
  private final MemorySegment producer = arena.allocate(8, 8);
  private final MemorySegment data = arena.allocate(2 * SIZE, 8);
  private final RingPass ring = RingLoops.of(new RingMemory("test", consumer, producer, data));
  private final List<Long> seen = new ArrayList<>();

  @AfterEach
  void close() {
    arena.close();
  }

  /** Puts a record at the producer's position, as the kernel does; both windows show it. */
  private void produce(int length, int flags, long value) {
    long at = position(producer);
    put(at, ValueLayout.JAVA_INT, length | flags);
    put(at + 4, ValueLayout.JAVA_INT, 0);
    if (length >= 8) {
      putLong(at + 8, value);
    }
    producer.set(ValueLayout.JAVA_LONG, 0, at + (length + 8L + 7) / 8 * 8);
  }

  private void put(long at, ValueLayout.OfInt layout, int value) {
    data.set(layout, at & (SIZE - 1), value);
    data.set(layout, (at & (SIZE - 1)) + SIZE, value);
  }

  private void putLong(long at, long value) {
    data.set(ValueLayout.JAVA_LONG, at & (SIZE - 1), value);
    data.set(ValueLayout.JAVA_LONG, (at & (SIZE - 1)) + SIZE, value);
  }

  private static long position(MemorySegment where) {
    return where.get(ValueLayout.JAVA_LONG, 0);
  }

  private int drain(int most) {
    return ring.drain(
        (memory, at, length) ->
            seen.add(length >= 8 ? memory.get(ValueLayout.JAVA_LONG, at) : -length),
        most);
  }

  private void startAt(long at) {
    consumer.set(ValueLayout.JAVA_LONG, 0, at);
    producer.set(ValueLayout.JAVA_LONG, 0, at);
  }

  @Test
  void anEmptyRingHandsOverNothing() {
    assertThat(ring.hasData()).isFalse();
    assertThat(drain(10)).isZero();
  }

  @Test
  void recordsComeInOrderAndFreeTheirRoom() {
    for (int i = 0; i < 5; i++) {
      produce(64, 0, i);
    }
    assertThat(ring.hasData()).isTrue();
    assertThat(drain(10)).isEqualTo(5);
    assertThat(seen).containsExactly(0L, 1L, 2L, 3L, 4L);
    assertThat(position(consumer)).isEqualTo(5 * 72);
    assertThat(ring.hasData()).isFalse();
  }

  @Test
  void aRecordAcrossTheEndIsWhole() {
    startAt(SIZE - 16);
    produce(64, 0, 42);
    produce(8, 0, 43);
    assertThat(drain(10)).isEqualTo(2);
    assertThat(seen).containsExactly(42L, 43L);
  }

  @Test
  void positionsMayPassTheLargestLong() {
    startAt(Long.MAX_VALUE - 39); // a multiple of 8
    produce(24, 0, 1);
    produce(24, 0, 2);
    produce(24, 0, 3);
    assertThat(drain(10)).isEqualTo(3);
    assertThat(seen).containsExactly(1L, 2L, 3L);
    assertThat(position(consumer)).isEqualTo(position(producer)).isNegative();
  }

  @Test
  void aBusyRecordHoldsBackWhatFollows() {
    produce(8, 0, 1);
    long busy = position(producer);
    produce(8, BUSY, 2);
    produce(8, 0, 3);
    assertThat(drain(10)).isEqualTo(1);
    assertThat(position(consumer)).isEqualTo(busy);
    assertThat(ring.hasData()).isFalse();
    put(busy, ValueLayout.JAVA_INT, 8);
    assertThat(ring.hasData()).isTrue();
    assertThat(drain(10)).isEqualTo(2);
    assertThat(seen).containsExactly(1L, 2L, 3L);
  }

  @Test
  void aDiscardedRecordIsSkippedAndItsRoomFreed() {
    produce(8, DISCARD, 1);
    produce(8, 0, 2);
    produce(100, DISCARD, 3);
    assertThat(drain(10)).isEqualTo(1);
    assertThat(seen).containsExactly(2L);
    assertThat(position(consumer)).isEqualTo(position(producer));
  }

  @Test
  void anEmptyRecordIsARecord() {
    produce(0, 0, 0);
    produce(1, 0, 0);
    assertThat(drain(10)).isEqualTo(2);
    assertThat(seen).containsExactly(0L, -1L);
    assertThat(position(consumer)).isEqualTo(8 + 16);
  }

  @Test
  void aPassEndsAtItsCap() {
    for (int i = 0; i < 5; i++) {
      produce(8, 0, i);
    }
    assertThat(drain(2)).isEqualTo(2);
    assertThat(position(consumer)).isEqualTo(32);
    assertThat(ring.hasData()).isTrue();
    assertThat(drain(0)).isZero();
    assertThat(drain(Integer.MAX_VALUE)).isEqualTo(3);
  }

  @Test
  void aLengthThatPassesTheProducerIsAnErrorNotACrash() {
    produce(8, 0, 1);
    long bad = position(producer);
    produce(8, 0, 2);
    put(bad, ValueLayout.JAVA_INT, SIZE * 4);
    assertThatThrownBy(() -> drain(10))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage(
            "ring buffer test is corrupt: a record of 16384 bytes at position 16 passes the"
                + " producer at 32");
    assertThat(seen).containsExactly(1L);
    assertThat(position(consumer)).as("the good record is freed").isEqualTo(bad);
    put(bad, ValueLayout.JAVA_INT, 9);
    assertThatThrownBy(() -> drain(10)).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void theLargestLengthDoesNotOverflow() {
    produce(8, 0, 1);
    put(0, ValueLayout.JAVA_INT, (1 << 30) - 1);
    assertThatThrownBy(() -> drain(10)).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void aProducerFarAheadIsAnErrorNotACrash() {
    producer.set(ValueLayout.JAVA_LONG, 0, 1L << 40);
    put(0, ValueLayout.JAVA_INT, SIZE * 4);
    assertThatThrownBy(() -> drain(10))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage(
            "ring buffer test is corrupt: the producer at 1099511627776 is more than 4096 bytes"
                + " ahead of the reader at 0");
  }

  @Test
  void aFailingHandlerLosesItsRecordAndNoOther() {
    produce(8, 0, 1);
    produce(8, 0, 2);
    assertThatThrownBy(
            () ->
                ring.drain(
                    (memory, at, length) -> {
                      throw new UnsupportedOperationException();
                    },
                    10))
        .isInstanceOf(UnsupportedOperationException.class);
    assertThat(drain(10)).isEqualTo(1);
    assertThat(seen).containsExactly(2L);
  }

  @Test
  void roomIsFreedDuringALongPass() {
    for (int i = 0; i < SIZE / 72; i++) {
      produce(64, 0, i);
    }
    List<Long> freed = new ArrayList<>();
    ring.drain((memory, at, length) -> freed.add(position(consumer)), 1000);
    assertThat(freed.getLast()).isGreaterThanOrEqualTo(SIZE / 2);
  }

  @Test
  void eachRingHasItsOwnLoop() {
    MemorySegment ahead = arena.allocateFrom(ValueLayout.JAVA_LONG, 16);
    MemorySegment other = arena.allocate(2 * 64, 8);
    other.set(ValueLayout.JAVA_INT, 0, 8);
    RingPass second = RingLoops.of(new RingMemory("second", arena.allocate(8, 8), ahead, other));
    produce(8, 0, 1);
    produce(8, 0, 2);
    assertThat(second.drain((memory, at, length) -> assertThat(memory).isEqualTo(other), 10))
        .isEqualTo(1);
    assertThat(drain(10)).isEqualTo(2);
    assertThat(second.getClass()).isNotEqualTo(ring.getClass());
  }

  @Test
  void onlyAPowerOfTwoIsARing() {
    assertThatThrownBy(() -> new RingMemory("odd", consumer, producer, arena.allocate(2 * 100, 8)))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
