package dev.sonde.agent.probe;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class RecentTimeWaitsTest {
  @Test
  void forgetsAfterAMinute() {
    RecentTimeWaits recent = new RecentTimeWaits();
    recent.add(100, 5);
    recent.add(100, 2);
    recent.add(130, 3);
    assertThat(recent.sum()).isEqualTo(10);
    recent.add(159, 0);
    assertThat(recent.sum()).isEqualTo(10);
    recent.add(160, 1);
    assertThat(recent.sum()).isEqualTo(4);
    recent.add(190, 0);
    assertThat(recent.sum()).isEqualTo(1);
    recent.add(1000, 0);
    assertThat(recent.sum()).isZero();
  }

  @Test
  void bearsAClockThatBeginsBelowZero() {
    RecentTimeWaits recent = new RecentTimeWaits();
    recent.add(-3, 1);
    recent.add(2, 1);
    assertThat(recent.sum()).isEqualTo(2);
    recent.add(57, 0);
    assertThat(recent.sum()).isEqualTo(1);
  }
}
