package dev.sonde.agent.probe;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sonde.agent.workload.PodTable;
import dev.sonde.exporter.model.Workload;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Who gets a name, who stays in ~other, and that no charge is lost or taken back. */
class CulpritsTest {
  private static final Workload VICTIM = Workload.unit("victim");

  private static Workload pod(int i) {
    return new Workload("ns", "pod-" + i, "c", "");
  }

  private static Map<Workload, Long> shown(Culprits culprits) {
    Map<Workload, Long> shown = new HashMap<>();
    culprits.forEach(shown::put);
    return shown;
  }

  @Test
  void theGreatestOfTheFirstSnapshotGetTheNames() {
    Culprits culprits = new Culprits(VICTIM, 2);
    culprits.charge(pod(1), 10);
    culprits.charge(pod(2), 30);
    culprits.charge(pod(3), 20);
    culprits.settle();
    assertThat(shown(culprits)).isEqualTo(Map.of(pod(2), 30L, pod(3), 20L, Workload.OTHER, 10L));
  }

  @Test
  void kernelIdleAndTheVictimItselfNeedNoPlace() {
    Culprits culprits = new Culprits(VICTIM, 1);
    culprits.charge(pod(1), 100);
    culprits.charge(PodTable.KERNEL, 1);
    culprits.charge(PodTable.IDLE, 2);
    culprits.charge(VICTIM, 3);
    culprits.settle();
    assertThat(shown(culprits))
        .isEqualTo(Map.of(pod(1), 100L, PodTable.KERNEL, 1L, PodTable.IDLE, 2L, VICTIM, 3L));
  }

  @Test
  void aNameIsKeptUntilSomebodyTookMoreThanTwiceAsMuch() {
    Culprits culprits = new Culprits(VICTIM, 1);
    culprits.charge(pod(1), 100);
    culprits.settle();
    culprits.charge(pod(2), 200);
    culprits.settle();
    assertThat(shown(culprits)).isEqualTo(Map.of(pod(1), 100L, Workload.OTHER, 200L));
    culprits.charge(pod(2), 10);
    culprits.settle();
    assertThat(shown(culprits)).isEqualTo(Map.of(pod(2), 10L, Workload.OTHER, 300L));
  }

  @Test
  void theSumIsThatOfAllChargesAndNoCounterFalls() {
    Random random = new Random(7);
    Culprits culprits = new Culprits(VICTIM, 3);
    Map<Workload, Long> before = new HashMap<>();
    long charged = 0;
    for (int snapshot = 0; snapshot < 2000; snapshot++) {
      for (int i = random.nextInt(4); i >= 0; i--) {
        long nanos = 1 + random.nextInt(1000) * (1L + snapshot / 100);
        culprits.charge(pod(random.nextInt(40)), nanos);
        charged += nanos;
      }
      culprits.settle();
      Map<Workload, Long> now = shown(culprits);
      assertThat(now).hasSizeLessThanOrEqualTo(4);
      assertThat(now.values().stream().mapToLong(Long::longValue).sum()).isEqualTo(charged);
      now.forEach(
          (w, v) -> assertThat(v).as("%s", w).isGreaterThanOrEqualTo(before.getOrDefault(w, 0L)));
      before.clear(); // a series that ended starts again from zero
      before.putAll(now);
    }
  }
}
