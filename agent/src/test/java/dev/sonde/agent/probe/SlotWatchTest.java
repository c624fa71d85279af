package dev.sonde.agent.probe;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class SlotWatchTest {
  private final long[] owners = new long[8];
  private final AtomicInteger fresh = new AtomicInteger();
  private final AtomicLong nanos = new AtomicLong(5);
  private final SlotWatch watch =
      new SlotWatch(i -> owners[i], owners.length, fresh::incrementAndGet, nanos::get);

  private int looked() {
    nanos.addAndGet(100_000_000L);
    watch.look();
    return fresh.getAndSet(0);
  }

  @Test
  void aNewOwnerIsToldOfOnce() {
    assertThat(looked()).isZero();
    owners[3] = 77;
    owners[5] = 78;
    assertThat(looked()).isEqualTo(1);
    assertThat(looked()).isZero();
  }

  @Test
  void aSlotThatIsGivenBackIsNoNewsButItsNextOwnerIs() {
    owners[3] = 77;
    assertThat(looked()).isEqualTo(1);
    owners[3] = Slots.NOBODY;
    assertThat(looked()).isZero();
    owners[3] = 78;
    assertThat(looked()).isEqualTo(1);
    owners[3] = 79;
    assertThat(looked()).as("given back and taken between two looks").isEqualTo(1);
  }

  @Test
  void itDoesNotLookTooOften() {
    assertThat(looked()).isZero();
    owners[0] = 1;
    for (int i = 0; i < 9; i++) {
      nanos.addAndGet(10_000_000L);
      watch.look();
      assertThat(fresh).hasValue(0);
    }
    assertThat(looked()).isEqualTo(1);
  }
}
