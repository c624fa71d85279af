package dev.sonde.agent.truth;

import dev.sonde.agent.guest.Guest;
import org.junit.jupiter.api.Test;

/** The same on pure cgroup v2, on kernels that throttle whole queues and on those that do not. */
@Guest
class SchedThrottledGuest {
  @Test
  void oneTask() {
    SchedThrottled.assertTold(1, 0.05);
  }

  @Test
  void threeTasksOnOneCpu() {
    SchedThrottled.assertTold(3, 0.2);
  }
}
