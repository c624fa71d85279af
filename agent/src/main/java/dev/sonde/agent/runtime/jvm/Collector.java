package dev.sonde.agent.runtime.jvm;

import org.jspecify.annotations.Nullable;

/**
 * What a JVM counts stop-the-world collections by: the values of label {@code gc} of {@code
 * sonde_jvm_gc_collections_total} and {@code sonde_jvm_gc_time_seconds_total}.
 *
 * <p>Compared with {@code -Xlog:gc*} of Debian's 17 and Temurin 25, counts agree exactly:
 *
 * <table>
 * <caption>What one count is in the log</caption>
 * <tr><td>{@code g1_young}</td><td>a {@code Pause Young} line, of any kind</td></tr>
 * <tr><td>{@code g1_full}</td><td>a {@code Pause Full} line</td></tr>
 * <tr><td>{@code g1_concurrent}</td><td>a {@code Pause Remark} or {@code Pause Cleanup} line: the
 *     concurrent cycle stops the world twice</td></tr>
 * <tr><td>{@code parallel_*}, {@code serial_*}</td><td>a {@code Pause Young}, a {@code Pause Full}
 *     line</td></tr>
 * <tr><td>{@code z} (17)</td><td>a {@code Pause Mark Start}, {@code Pause Mark End} or {@code Pause
 *     Relocate Start} line: three a cycle</td></tr>
 * <tr><td>{@code z_minor} (25)</td><td>such a line while a {@code Minor Collection} runs, also one
 *     of the old generation ({@code O:}), which is marked at the same time</td></tr>
 * <tr><td>{@code z_major} (25)</td><td>such a line at any other time: together the two are all
 *     pauses there are</td></tr>
 * </table>
 *
 * <p>Time is that of the same pauses, by a clock that starts later and stops earlier than the
 * log's. Less than in the log by, a pause: 10 to 60 us for G1 and Parallel, 17 to 45 us for Serial
 * of 25, 45 to 300 us for Serial of 17, 1 to 4 us for ZGC; in all 0.1 to 2% (Serial of 17: 6%) of
 * the log's sum, and 15 to 25% of ZGC's, whose pauses last some 10 us. Time to reach the safepoint
 * is in neither: {@code sonde_jvm_safepoint_time_seconds_total} has it and agrees exactly.
 *
 * <p>Shenandoah is left out: its one counter includes concurrent work, which is no pause. Its
 * safepoints tell its pauses.
 */
enum Collector {
  G1_YOUNG("g1_young", "g1", "G1 young collection pauses"),
  G1_FULL("g1_full", "g1", "G1 full collection pauses"),
  G1_CONCURRENT("g1_concurrent", "g1", "G1 concurrent cycle pauses"),
  PARALLEL_YOUNG("parallel_young", "parallel", "Parallel young collection pauses"),
  PARALLEL_FULL("parallel_full", "parallel", "Parallel full collection pauses"),
  SERIAL_YOUNG("serial_young", "serial", "Serial young collection pauses"),
  SERIAL_FULL("serial_full", "serial", "Serial full collection pauses"),
  Z("z", "z", "Z concurrent cycle pauses"),
  Z_MINOR("z_minor", "z", "ZGC minor collection pauses"),
  Z_MAJOR("z_major", "z", "ZGC major collection pauses"),
  /** Of a JVM that names its collectors otherwise. */
  OTHER("other", "other", "");

  /** The collector whose counters are not pauses. */
  static final String SHENANDOAH = "shenandoah";

  private final String label;
  private final String family;
  private final String hsperfName;

  Collector(String label, String family, String hsperfName) {
    this.label = label;
    this.family = family;
    this.hsperfName = hsperfName;
  }

  /** The label's value. */
  String label() {
    return label;
  }

  /** Its place in an array of one value per collector, which lives no longer than this process. */
  @SuppressWarnings("EnumOrdinal")
  int slot() {
    return ordinal();
  }

  /** The garbage collector it belongs to: label {@code gc} of {@code sonde_jvm_info}. */
  String family() {
    return family;
  }

  /**
   * The collector that {@code sun.gc.collector.N.name} means; null if its counters are not to be
   * shown. The name comes from a pod: whatever it is, the answer is one of a few.
   */
  static @Nullable Collector named(String hsperfName) {
    for (Collector c : values()) {
      if (c.hsperfName.equals(hsperfName) && c != OTHER) {
        return c;
      }
    }
    return isShenandoah(hsperfName) ? null : OTHER;
  }

  static boolean isShenandoah(String hsperfName) {
    return hsperfName.startsWith("Shenandoah");
  }
}
