package dev.sonde.agent.probe;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Records that wait for a name: in order, bounded, and copies. */
class HeldRecordsTest {
  private final HeldRecords held = new HeldRecords();

  private static MemorySegment record(long number, int length) {
    MemorySegment s = MemorySegment.ofArray(new byte[8 + length]);
    s.set(ValueLayout.JAVA_LONG_UNALIGNED, 8, number);
    return s;
  }

  private boolean add(long number, int length) {
    return held.add(record(number, length), 8, length);
  }

  private static long number(MemorySegment record) {
    return record.get(ValueLayout.JAVA_LONG_UNALIGNED, 0);
  }

  /** Those that are held now, in the order in which they are tried. */
  private List<Long> numbers() {
    List<Long> numbers = new ArrayList<>();
    held.retry(
        r -> {
          numbers.add(number(r));
          return false;
        });
    return numbers;
  }

  @Test
  void whatIsNotDoneIsHeldOnInItsOrder() {
    for (long n = 0; n < 6; n++) {
      assertThat(add(n, 16)).isTrue();
    }
    held.retry(r -> number(r) % 2 == 0);
    assertThat(numbers()).containsExactly(1L, 3L, 5L);
    assertThat(numbers()).as("trying changes nothing").containsExactly(1L, 3L, 5L);
    held.retry(_ -> true);
    assertThat(held.isEmpty()).isTrue();
  }

  /** The ring's memory is used again as soon as the record was handed over. */
  @Test
  void aRecordIsACopyOfItsPart() {
    try (Arena ring = Arena.ofConfined()) {
      MemorySegment data = ring.allocate(64);
      data.set(ValueLayout.JAVA_LONG_UNALIGNED, 24, 7);
      assertThat(held.add(data, 24, 16)).isTrue();
      data.fill((byte) -1);
    }
    held.retry(
        r -> {
          assertThat(r.byteSize()).isEqualTo(16);
          assertThat(number(r)).isEqualTo(7);
          return true;
        });
  }

  @Test
  void thereIsRoomForSoManyAndAgainAfterwards() {
    for (long n = 0; n < 4096; n++) {
      assertThat(add(n, 16)).isTrue();
    }
    assertThat(add(4096, 16)).as("the caller names it as well as it can").isFalse();
    held.retry(r -> number(r) == 0);
    assertThat(add(4097, 16)).isTrue();
    assertThat(add(4098, 16)).isFalse();
    assertThat(numbers()).hasSize(4096).startsWith(1L, 2L).endsWith(4095L, 4097L);
  }

  @Test
  void thereIsRoomForSoManyBytesAndAgainAfterwards() {
    int large = 1 << 18;
    for (long n = 0; n < 4; n++) {
      assertThat(add(n, large)).isTrue();
    }
    assertThat(add(4, 16)).isFalse();
    held.retry(r -> number(r) == 2);
    assertThat(add(5, large - 16)).isTrue();
    assertThat(add(6, 16)).isTrue();
    assertThat(add(7, 8)).isFalse();
  }
}
