package dev.sonde.ffi;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The readers read not a byte behind their buffers. */
class GuardPageTest {
  private static final int SIZE = 4096;

  private static long checksum(MemorySegment data, long at, int length) {
    long sum = 0;
    for (long i = at; i < at + length; i++) {
      sum += data.get(JAVA_BYTE, i);
    }
    return sum;
  }

  @Test
  void theGuardIsReal() throws IOException, InterruptedException {
    List<String> quiet =
        List.of("-XX:-CreateCoredumpOnCrash", "-XX:ErrorFile=/dev/null", "-XX:+UseSerialGC");
    ChildJava.Result touched = ChildJava.run(TouchGuard.class, quiet, Map.of());
    assertThat(touched.exitCode()).isNotZero();
    assertThat(touched.lines())
        .contains("inside 0")
        .noneMatch(line -> line.startsWith("outside"))
        .anyMatch(line -> line.contains("SIGSEGV"));
  }

  @Test
  void theRingsLastRecordEndsWithTheMapping() {
    try (GuardedMemory data = new GuardedMemory(2 * SIZE);
        GuardedMemory consumers = new GuardedMemory(8);
        GuardedMemory producers = new GuardedMemory(8)) {
      MemorySegment ring = data.last(2 * SIZE).asSlice(0, 2 * SIZE);
      MemorySegment consumer = consumers.last(8).asSlice(0, 8);
      MemorySegment producer = producers.last(8).asSlice(0, 8);
      RingPass pass = RingLoops.of(new RingMemory("guarded", consumer, producer, ring));
      // The largest record, begun 8 bytes before the ring's end: it reaches the mapping's last
      // word.
      consumer.set(JAVA_LONG, 0, SIZE - 8);
      producer.set(JAVA_LONG, 0, 2 * SIZE - 8);
      ring.set(JAVA_INT, SIZE - 8, SIZE - 8);
      long[] sum = new long[1];
      assertThat(pass.drain((memory, at, length) -> sum[0] += checksum(memory, at, length), 10))
          .isEqualTo(1);
      assertThat(pass.hasData()).isFalse();
    }
  }

  @Test
  void aPerfRecordIsJoinedWithinTheMapping() {
    try (GuardedMemory data = new GuardedMemory(SIZE);
        GuardedMemory page = new GuardedMemory(SIZE)) {
      MemorySegment ring = data.last(SIZE).asSlice(0, SIZE);
      MemorySegment positions = page.last(SIZE).asSlice(0, SIZE);
      PerfMemory perf = new PerfMemory("guarded", positions, ring);
      for (int first = SIZE - 64; first < SIZE; first += 8) {
        positions.set(JAVA_LONG, PerfMemory.DATA_TAIL, first);
        positions.set(JAVA_LONG, PerfMemory.DATA_HEAD, first + 64);
        ring.set(JAVA_INT, first, PerfMemory.RECORD_SAMPLE);
        ring.set(JAVA_SHORT, first + 6, (short) 64);
        ring.set(JAVA_INT, (first + 8) % SIZE, 52);
        long[] sum = new long[1];
        assertThat(perf.drain((memory, at, length) -> sum[0] += checksum(memory, at, length), 10))
            .isEqualTo(1);
      }
    }
  }
}
