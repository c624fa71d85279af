package dev.sonde.agent.usage;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The kernel's texts as they are, cut off at every byte, and nonsense. */
class StatTextTest {
  private static final String CPU_STAT =
      "usage_usec 5113\nuser_usec 17\nnr_periods 12\nnr_throttled 3\nthrottled_usec 99\n";
  private static final String PRESSURE =
      "some avg10=0.00 avg60=1.23 avg300=0.05 total=4711\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=815\n";

  private static long value(String text, String key) {
    MemorySegment s = segment(text);
    return StatText.value(s, (int) s.byteSize(), StatText.key(key));
  }

  private static long total(String text, String kind) {
    MemorySegment s = segment(text);
    return StatText.value(s, (int) s.byteSize(), StatText.key(kind), StatText.key("total="));
  }

  private static MemorySegment segment(String text) {
    return MemorySegment.ofArray(text.getBytes(StandardCharsets.US_ASCII));
  }

  @Test
  void findsLinesByTheirWholeKey() {
    assertThat(value(CPU_STAT, "usage_usec")).isEqualTo(5113);
    assertThat(value(CPU_STAT, "nr_throttled")).isEqualTo(3);
    assertThat(value(CPU_STAT, "throttled_usec")).isEqualTo(99);
    assertThat(value(CPU_STAT, "usage")).isEqualTo(StatText.ABSENT);
    assertThat(value(CPU_STAT, "sage_usec")).isEqualTo(StatText.ABSENT);
    assertThat(value(CPU_STAT, "nr_bursts")).isEqualTo(StatText.ABSENT);
  }

  @Test
  void findsTotalsOfPressure() {
    assertThat(total(PRESSURE, "some")).isEqualTo(4711);
    assertThat(total(PRESSURE, "full")).isEqualTo(815);
    // kernels before 5.13 have no "full" line for the CPU
    assertThat(total(PRESSURE.substring(0, PRESSURE.indexOf("full")), "full"))
        .isEqualTo(StatText.ABSENT);
  }

  @Test
  void noCutIsReadPastItsEnd() {
    for (int i = 0; i <= PRESSURE.length(); i++) {
      assertThat(total(PRESSURE.substring(0, i), "full")).isIn(StatText.ABSENT, 8L, 81L, 815L);
      assertThat(value(CPU_STAT.substring(0, Math.min(i, CPU_STAT.length())), "throttled_usec"))
          .isIn(StatText.ABSENT, 9L, 99L);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "\n", "key", "key ", "key x", "key -1", "key 1234567890123456789012", "\0"})
  void whatIsNoNumberIsAbsent(String text) {
    assertThat(value(text, "key")).isEqualTo(StatText.ABSENT);
  }

  @Test
  void aLimitStandsAfterBlanks() {
    String limits =
        """
        Limit                     Soft Limit           Hard Limit           Units
        Max open files            1024                 1048576              files
        """;
    assertThat(value(limits, "Max open files")).isEqualTo(1024);
    assertThat(value(limits.replace("1024", "unlimited"), "Max open files"))
        .isEqualTo(StatText.ABSENT);
  }
}
