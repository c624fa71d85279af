package dev.sonde.agent.truth;

import dev.sonde.agent.guest.Guest;
import org.junit.jupiter.api.Test;

/** The same on pure cgroup v2, on kernels that throttle whole queues and on those that do not. */
@Guest(tier = 3)
class SchedThrottledGuest {
  @Test
  void oneTask() {
    SchedThrottled.assertTold(1, 0.05);
  }

  /** A task that was queued when the quota ran out is told by the larger part of its wait. */
  @Test
  void threeTasksOnOneCpu() {
    SchedThrottled.assertTold(3, 0.35);
  }
}
