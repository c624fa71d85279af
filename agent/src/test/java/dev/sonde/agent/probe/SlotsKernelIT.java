package dev.sonde.agent.probe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sonde.agent.KernelTest;
import dev.sonde.agent.workload.CgroupHierarchy;
import dev.sonde.ffi.BpfMap;
import dev.sonde.ffi.KernelFeatures;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** One workload, one slot, also when all CPUs see the first event of a cgroup at once. */
@KernelTest
@Timeout(60)
class SlotsKernelIT {
  private static final int CGROUPS = 60;

  @Test
  void everySlotHasOneOwnerAndEveryOwnerOneSlot() throws Exception {
    CgroupHierarchy hierarchy = CgroupHierarchy.detect(null);
    KernelSettings settings =
        new KernelSettings(
            1024, KernelFeatures.possibleCpus(), hierarchy.idsFromV1(), 0, 1 << 20, false, null);
    List<Path> cgroups = new ArrayList<>();
    try (ProbeSet probes = ProbeSet.attach(settings, Map.of(), "sched"::equals);
        Slots slots = new Slots(probes.maps(), settings.maxSlots())) {
      for (int i = 0; i < CGROUPS; i++) {
        cgroups.add(
            Files.createDirectory(
                hierarchy
                    .mount()
                    .resolve("sonde-slots-" + ProcessHandle.current().pid() + "-" + i)));
      }
      for (Path cgroup : cgroups) {
        crowd(cgroup);
      }
      Map<Long, Integer> table = new HashMap<>();
      BpfMap map = probes.maps().get("cgroup_slots");
      map.forEach(
          (keys, key, values, value) ->
              table.put(
                  keys.get(ValueLayout.JAVA_LONG_UNALIGNED, key),
                  values.get(ValueLayout.JAVA_INT_UNALIGNED, value)));
      assertThat(table).hasSizeGreaterThanOrEqualTo(CGROUPS);
      assertThat(table.values()).doesNotHaveDuplicates();
      table.forEach((id, slot) -> assertThat(slots.owner(slot)).as("owner").isEqualTo(id));
      Set<Long> owners = new HashSet<>();
      for (int i = Slots.OTHER + 1; i < slots.end(); i++) {
        long owner = slots.owner(i);
        if (owner != Slots.NOBODY) {
          assertThat(owners.add(owner)).as("second slot %d of cgroup %d", i, owner).isTrue();
        }
      }
      assertThat(owners).isEqualTo(table.keySet());
    } finally {
      for (Path cgroup : cgroups) {
        await("the cgroup to be empty")
            .atMost(Duration.ofSeconds(10))
            .until(() -> cgroup.toFile().delete());
      }
    }
  }

  /** Several processes that enter the cgroup asleep and are woken together. */
  private static void crowd(Path cgroup) throws IOException, InterruptedException {
    Process crowd =
        new ProcessBuilder(
                "sh",
                "-c",
                "exec 3<&0; for i in 1 2 3 4; do (read -r end <&3) & echo $! >\"$1\"; done;"
                    + " echo; wait",
                "sh",
                cgroup.resolve("cgroup.procs").toString())
            .redirectErrorStream(true)
            .start();
    assertThat(crowd.getInputStream().read()).as("all are in the cgroup").isEqualTo('\n');
    crowd.getOutputStream().close();
    assertThat(crowd.waitFor(20, TimeUnit.SECONDS)).isTrue();
  }
}
