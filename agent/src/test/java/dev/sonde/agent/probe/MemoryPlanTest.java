package dev.sonde.agent.probe;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MemoryPlanTest {
  private static final long DEFAULT_LIMIT = 256_000_000;
  private static final int DEFAULT_WORKLOADS = 2048;
  private static final int RING = 1 << 20;

  @Test
  void aSmallNodeGivesUpNothing() {
    MemoryPlan plan = MemoryPlan.of(DEFAULT_LIMIT, DEFAULT_WORKLOADS, 16, RING);
    assertThat(plan.leftOut()).isEmpty();
    assertThat(plan.maxSlots()).isEqualTo(DEFAULT_WORKLOADS);
    assertThat(plan.bytes()).isLessThan(DEFAULT_LIMIT);
  }

  /** B16: 500 pods on 64 CPUs by default. */
  @Test
  void sixtyFourCpusShareRowsAndLoseNothing() {
    MemoryPlan plan = MemoryPlan.of(DEFAULT_LIMIT, DEFAULT_WORKLOADS, 64, RING);
    assertThat(plan.bytes()).isLessThanOrEqualTo(DEFAULT_LIMIT);
    assertThat(plan.offCpu()).isTrue();
    assertThat(plan.neighbours()).isTrue();
    assertThat(plan.maxSlots()).isEqualTo(DEFAULT_WORKLOADS);
    assertThat(plan.leftOut()).containsExactly("2 CPUs share a row");
  }

  @Test
  void whatGoesGoesInOrder() {
    int shift = 0;
    boolean offCpu = true;
    boolean neighbours = true;
    int slots = DEFAULT_WORKLOADS;
    for (long limit = 1L << 30; limit >= 1_500_000; limit -= limit / 20) {
      MemoryPlan plan = MemoryPlan.of(limit, DEFAULT_WORKLOADS, 64, 1 << 16);
      assertThat(plan.bytes()).as("limit %d", limit).isLessThanOrEqualTo(limit);
      assertThat(plan.rowShift()).isGreaterThanOrEqualTo(shift);
      assertThat(plan.maxSlots()).isLessThanOrEqualTo(slots);
      if (!plan.offCpu()) {
        assertThat(plan.rowShift()).isEqualTo(3);
      }
      if (!plan.neighbours()) {
        assertThat(plan.offCpu()).isFalse();
      }
      if (plan.nearTasks() == 1) {
        assertThat(plan.neighbours()).isFalse();
      }
      if (plan.maxSlots() < DEFAULT_WORKLOADS) {
        assertThat(plan.nearTasks()).isEqualTo(1);
      }
      assertThat(plan.offCpu() && !offCpu).isFalse();
      assertThat(plan.neighbours() && !neighbours).isFalse();
      shift = plan.rowShift();
      offCpu = plan.offCpu();
      neighbours = plan.neighbours();
      slots = plan.maxSlots();
    }
    assertThat(slots).isLessThan(200);
  }

  @ParameterizedTest
  @CsvSource({"1,0,1", "2,0,2", "2,1,1", "3,1,2", "64,1,32", "65,1,33", "256,3,32"})
  void everyCpuHasARow(int cpus, int shift, int rows) {
    assertThat(MemoryPlan.rows(cpus, shift)).isEqualTo(rows);
    assertThat((cpus - 1) >> shift).isEqualTo(rows - 1);
  }

  /** Not even the least fits: it is what there is, and the plan says how much. */
  @Test
  void aLimitBelowTheLeast() {
    MemoryPlan plan = MemoryPlan.of(1, DEFAULT_WORKLOADS, 256, RING);
    assertThat(plan.maxSlots()).isEqualTo(MemoryPlan.FEWEST_WORKLOADS);
    assertThat(plan.bytes()).isGreaterThan(1);
    assertThat(plan.leftOut()).hasSize(5);
  }
}
