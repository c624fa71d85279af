package dev.sonde.agent.truth;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sonde.agent.KernelTest;
import dev.sonde.agent.probe.ExactBounds;
import dev.sonde.bpf.BpfPrograms;
import dev.sonde.ffi.BpfObject;
import dev.sonde.ffi.BpfProgram;
import dev.sonde.ffi.OpenOptions;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The code that bins waits, run by the kernel, against exact integer arithmetic. */
@KernelTest
class HistogramSlotKernelIT {
  private BpfObject object;
  private BpfProgram program;

  @BeforeEach
  void load() {
    object = BpfObject.open("selftest", BpfPrograms.read("selftest"), new OpenOptions(null));
    object.load();
    program = object.program("selftest_histogram_slot");
  }

  @AfterEach
  void unload() {
    object.close();
  }

  private int slot(long nanos) {
    byte[] context = ByteBuffer.allocate(8).order(ByteOrder.nativeOrder()).putLong(nanos).array();
    return program.testRun(context, new byte[0], -1).retval();
  }

  private void assertExact(List<Long> values) {
    for (long v : values) {
      assertThat(slot(v))
          .as("slot of %s ns", Long.toUnsignedString(v))
          .isEqualTo(ExactBounds.slot(v));
    }
  }

  @Test
  void everyEdgeAndItsNeighbours() {
    List<Long> values = new ArrayList<>();
    for (int slot = 0; slot < ExactBounds.SLOTS - 1; slot++) {
      long edge = ExactBounds.lastNanosOf(slot);
      assertThat(slot(edge)).as("%d ns is the last of its slot", edge).isEqualTo(slot);
      assertThat(slot(edge + 1)).as("%d ns is the first of the next", edge + 1).isEqualTo(slot + 1);
      values.addAll(List.of(edge - 1, edge, edge + 1));
    }
    assertExact(values);
    System.out.printf(
        "histogram bounds: %d edges, each -1, 0 and +1 ns: %d values exact%n",
        ExactBounds.SLOTS - 1, values.size());
  }

  @Test
  void extremes() {
    assertExact(
        List.of(
            0L,
            1L,
            2L,
            Long.MAX_VALUE - 1,
            Long.MAX_VALUE,
            Long.MIN_VALUE,
            Long.MIN_VALUE + 1,
            -1L));
  }

  @Test
  void everyPowerOfTwoAndItsNeighbours() {
    List<Long> values = new ArrayList<>();
    for (int bit = 0; bit < Long.SIZE; bit++) {
      values.addAll(List.of((1L << bit) - 1, 1L << bit, (1L << bit) + 1));
    }
    assertExact(values);
  }

  @Test
  void valuesOfAllSizes() {
    Random random = new Random(1);
    List<Long> values = new ArrayList<>();
    for (int i = 0; i < 5000; i++) {
      values.add(random.nextLong() >>> random.nextInt(Long.SIZE));
    }
    assertExact(values);
  }
}
