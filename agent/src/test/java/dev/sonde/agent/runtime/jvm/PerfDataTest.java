package dev.sonde.agent.runtime.jvm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PerfDataTest {
  @ParameterizedTest
  @ValueSource(strings = {"LITTLE_ENDIAN", "BIG_ENDIAN"})
  void readsLongsAndTextsOfEitherByteOrder(String order) throws Exception {
    ByteOrder o = order.equals("BIG_ENDIAN") ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN;
    ByteBuffer file =
        new PerfFile(o).put("a.long", 0x1122334455667788L).put("a.text", "Grüße").bytes();
    PerfData data = PerfData.parse(file);
    assertThat(data.order()).isEqualTo(o);
    assertThat(data.longValue("a.long", -1)).isEqualTo(0x1122334455667788L);
    assertThat(file.order(o).getLong(data.offsetOfLong("a.long"))).isEqualTo(0x1122334455667788L);
    assertThat(data.string("a.text")).isEqualTo("Grüße");
    assertThat(data.offsetOfLong("a.text")).isEqualTo(-1);
    assertThat(data.string("a.long")).isEmpty();
    assertThat(data.longValue("absent", 7)).isEqualTo(7);
  }

  @Test
  void saysWhatIsWrong() {
    assertThatThrownBy(() -> PerfData.parse(ByteBuffer.allocate(31)))
        .hasMessageContaining("only 31 bytes");
    assertThatThrownBy(() -> PerfData.parse(ByteBuffer.allocate(64)))
        .hasMessageContaining("magic 0");
    assertThatThrownBy(() -> PerfData.parse(g1().put(5, (byte) 9)))
        .hasMessageContaining("version 9");
    assertThatThrownBy(() -> PerfData.parse(g1().put(7, (byte) 0)))
        .hasMessageContaining("still starting");
    assertThatThrownBy(() -> PerfData.parse(g1().putInt(28, -1))).hasMessageContaining("-1");
    assertThatThrownBy(() -> PerfData.parse(g1().putInt(28, 1 << 30)))
        .hasMessageContaining("entries");
    assertThatThrownBy(() -> PerfData.parse(g1().putInt(24, -8))).hasMessageContaining("-8");
    assertThatThrownBy(() -> PerfData.parse(g1().putInt(24, Integer.MAX_VALUE)))
        .hasMessageContaining("beyond the end");
    assertThatThrownBy(() -> PerfData.parse(g1().putInt(32, 0))).hasMessageContaining("length 0");
    assertThatThrownBy(() -> PerfData.parse(g1().putInt(32, Integer.MAX_VALUE)))
        .hasMessageContaining("length");
    assertThatThrownBy(() -> PerfData.parse(g1().putInt(8, 40)))
        .hasMessageContaining("beyond the end");
  }

  private static ByteBuffer g1() {
    return PerfFile.g1(1, 1, 1, 1).bytes().order(ByteOrder.LITTLE_ENDIAN);
  }

  @Test
  void aLayoutReadsWhatTheContractAsksFor() throws Exception {
    ByteBuffer file = g1();
    HsperfLayout layout = new HsperfLayout(PerfData.parse(file));
    JvmCounters c = new JvmCounters();
    layout.read(file, c);
    int young = Collector.G1_YOUNG.slot();
    assertThat(c.present[young]).isTrue();
    assertThat(c.collections[young]).isEqualTo(1);
    assertThat(c.collectionNanos[young]).isEqualTo(1_000_000);
    assertThat(c.present[Collector.G1_FULL.slot()]).isFalse();
    assertThat(c.safepoints).isEqualTo(1);
    assertThat(c.safepointNanos).as("time to reach them included").isEqualTo(1_500_000);
    assertThat(c.heapUsed).isEqualTo(111);
    assertThat(c.heapCommitted).isEqualTo(12_288);
    assertThat(c.heapMax).as("each generation may take all of G1's heap").isEqualTo(1_048_576);
    assertThat(layout.gc()).isEqualTo("g1");
  }

  @Test
  void ticksAreConvertedByTheirFrequency() throws Exception {
    ByteBuffer file =
        PerfFile.g1(1, 1, 1, 1)
            .put("sun.os.hrt.frequency", 1_000_000L)
            .bytes()
            .order(ByteOrder.LITTLE_ENDIAN);
    JvmCounters c = new JvmCounters();
    new HsperfLayout(PerfData.parse(file)).read(file, c);
    assertThat(c.collectionNanos[Collector.G1_YOUNG.slot()]).isEqualTo(1_000_000_000L);
    PerfFile zero = PerfFile.g1(1, 1, 1, 1).put("sun.os.hrt.frequency", 0L);
    assertThatThrownBy(() -> new HsperfLayout(PerfData.parse(zero.bytes())))
        .hasMessageContaining("frequency is 0");
  }

  @Test
  void shenandoahsCounterIsNoPause() throws Exception {
    ByteBuffer file =
        PerfFile.g1(7, 7, 1, 1)
            .put("sun.gc.collector.0.name", "Shenandoah full")
            .bytes()
            .order(ByteOrder.LITTLE_ENDIAN);
    HsperfLayout layout = new HsperfLayout(PerfData.parse(file));
    JvmCounters c = new JvmCounters();
    layout.read(file, c);
    assertThat(layout.gc()).isEqualTo("shenandoah");
    assertThat(c.collections).containsOnly(0);
    assertThat(c.present).containsOnly(false);
    assertThat(c.safepoints).isEqualTo(1);
  }

  @Test
  void whateverACollectorIsCalledTheLabelIsOneOfAFew() {
    assertThat(Collector.named("G1 young collection pauses")).isEqualTo(Collector.G1_YOUNG);
    assertThat(Collector.named("my \n collector")).isEqualTo(Collector.OTHER);
    assertThat(Collector.named("")).isEqualTo(Collector.OTHER);
    assertThat(Collector.named("Shenandoah partial")).isNull();
  }

  @Test
  void hostileNumbersNeverBecomeNegative() throws Exception {
    ByteBuffer file =
        PerfFile.g1(-5, 1, Long.MAX_VALUE, 1)
            .put("sun.rt.safepointTime", Long.MAX_VALUE)
            .put("sun.rt.safepointSyncTime", Long.MAX_VALUE)
            .put("sun.gc.generation.0.space.0.used", Long.MIN_VALUE)
            .put("sun.gc.generation.0.capacity", Long.MAX_VALUE)
            .bytes()
            .order(ByteOrder.LITTLE_ENDIAN);
    JvmCounters c = new JvmCounters();
    new HsperfLayout(PerfData.parse(file)).read(file, c);
    assertThat(c.collections[Collector.G1_YOUNG.slot()]).isZero();
    assertThat(c.safepointNanos).isEqualTo(Long.MAX_VALUE);
    assertThat(c.heapUsed).isEqualTo(11);
    assertThat(c.heapCommitted).isPositive();
  }

  /** Bytes changed at random end in an answer or a FormatException, nothing else. Fixed seeds. */
  @RepeatedTest(20)
  void survivesAnyBytes(RepetitionInfo run) {
    Random random = new Random(run.getCurrentRepetition());
    for (int i = 0; i < 1_000; i++) {
      byte[] file = PerfFile.g1(3, 4, 5, 6).array();
      int changes = 1 + random.nextInt(64);
      for (int j = 0; j < changes; j++) {
        file[random.nextInt(2_000)] = (byte) random.nextInt(256);
      }
      // The prologue stays whole in every other round, so that entries are walked at all.
      if (i % 2 == 0) {
        System.arraycopy(PerfFile.g1(3, 4, 5, 6).array(), 0, file, 0, 32);
      }
      ByteBuffer bytes = ByteBuffer.wrap(file, 0, random.nextInt(file.length));
      try {
        PerfData data = PerfData.parse(bytes);
        HsperfLayout layout = new HsperfLayout(data);
        assertThat(layout.length()).isLessThanOrEqualTo(bytes.limit());
        layout.read(bytes.order(data.order()), new JvmCounters());
      } catch (PerfData.FormatException e) {
        assertThat(e).hasMessageNotContaining("null");
      }
    }
  }
}
