package dev.sonde.agent.truth;

import dev.sonde.agent.KernelTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** This kernel throttles task by task (6.18) or whole queues; the hierarchy is the host's. */
@KernelTest
@Timeout(180)
class SchedThrottledIT {
  @Test
  void oneTask() {
    SchedThrottled.assertTold(1, 0.05);
  }

  /** Each of three waits as long as the cgroup is out of quota, less its own turn. */
  @Test
  void threeTasksOnOneCpu() {
    SchedThrottled.assertTold(3, 0.2);
  }
}
