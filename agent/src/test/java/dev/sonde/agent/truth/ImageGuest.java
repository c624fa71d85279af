package dev.sonde.agent.truth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sonde.agent.guest.Guest;
import dev.sonde.agent.guest.Patience;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The image under runc on cgroup v2 alone, with all that daemonset.yaml grants, CAP_SYS_RESOURCE
 * too, which the machine that runs the guests may lack.
 */
@Guest(tier = 3, kernels = "6.12", onHost = DeployImage.Build.class)
class ImageGuest {
  @TempDir Path dir;

  @Test
  void showsThePodsOfTheNode() throws Exception {
    assertThat(Files.exists(Path.of("/sys/fs/cgroup/cgroup.controllers"))).isTrue();
    Path work = Files.createTempDirectory(Path.of("/var/tmp"), "sonde-image");
    try (PodLoad load = PodLoad.start(work);
        DeployedAgent agent = DeployedAgent.start(dir, DeployImage.built(), b -> b)) {
      await("all there is to see")
          .atMost(Patience.seconds(30))
          .pollInterval(Patience.pause(200))
          .untilAsserted(
              () ->
                  assertThat(Features.of(agent.scrape(), load))
                      .as(agent.log())
                      .doesNotContainValue(false));
      assertThat(agent.fresh().sum("sonde_jvm_gc_collections_total", load.jvm().labels()))
          .isEqualTo(load.collections());
      KernelIds held = KernelIds.of(agent.pid());
      agent.kill("KILL");
      agent.exit(15);
      await("programs to be freed")
          .atMost(Patience.seconds(20))
          .untilAsserted(() -> assertThat(held.alive()).isEmpty());
    } finally {
      Command.run("rm", "-rf", work.toString());
    }
  }

  /** Maps are charged to the memory cgroup from 5.11 on: nothing goes without SYS_RESOURCE. */
  @Test
  void doesNotMissSysResource() throws Exception {
    Path work = Files.createTempDirectory(Path.of("/var/tmp"), "sonde-image");
    try (PodLoad load = PodLoad.start(work);
        DeployedAgent agent =
            DeployedAgent.start(dir, DeployImage.built(), b -> b.without("SYS_RESOURCE"))) {
      await("all there is to see")
          .atMost(Patience.seconds(30))
          .pollInterval(Patience.pause(200))
          .untilAsserted(
              () ->
                  assertThat(Features.of(agent.scrape(), load))
                      .as(agent.log())
                      .doesNotContainValue(false));
    } finally {
      Command.run("rm", "-rf", work.toString());
    }
  }
}
