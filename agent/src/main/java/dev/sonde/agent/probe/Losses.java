package dev.sonde.agent.probe;

import dev.sonde.ffi.MappedArray;
import dev.sonde.ffi.layout.LossRow;
import java.lang.foreign.MemorySegment;

/**
 * What the programs wrote into the event buffer and what they could not deliver, summed over the
 * CPUs: {@code loss.h}.
 *
 * <p>Any thread may read.
 */
final class Losses implements AutoCloseable {
  private final MappedArray rows;
  private final int cpus;

  Losses(SharedMaps maps, int cpus) {
    this.rows = maps.get("losses").mmap();
    this.cpus = cpus;
  }

  /**
   * @param written events put into the buffer
   * @param reserve events lost because it was full
   * @param storage owners or waits that could not be remembered
   * @param mapFull increments that went to {@code ~other} for want of a slot
   * @param missedSwitch context switches that the kernel did not tell of, and that were made up for
   * @param suppressed events held back by their rate limit
   */
  record Counts(
      long written, long reserve, long storage, long mapFull, long missedSwitch, long suppressed) {}

  Counts read() {
    MemorySegment s = rows.segment();
    long written = 0;
    long reserve = 0;
    long storage = 0;
    long mapFull = 0;
    long missedSwitch = 0;
    long suppressed = 0;
    for (int cpu = 0; cpu < cpus; cpu++) {
      long row = cpu * LossRow.SIZE;
      written += LossRow.written(s, row);
      reserve += LossRow.reserve(s, row);
      storage += LossRow.storage(s, row);
      mapFull += LossRow.mapFull(s, row);
      missedSwitch += LossRow.missedSwitch(s, row);
      suppressed += LossRow.suppressed(s, row);
    }
    return new Counts(written, reserve, storage, mapFull, missedSwitch, suppressed);
  }

  @Override
  public void close() {
    rows.close();
  }
}
