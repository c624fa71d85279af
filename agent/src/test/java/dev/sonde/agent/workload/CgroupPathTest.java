package dev.sonde.agent.workload;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sonde.exporter.model.Workload;
import java.nio.charset.StandardCharsets;
import java.util.Random;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CgroupPathTest {
  private static final String UID = "3fa2c1b4-9d0e-4c1f-8a77-0b5c6d7e8f90";
  private static final String UNDERSCORES = UID.replace('-', '_');
  private static final String STATIC = "0a1b2c3d4e5f60718293a4b5c6d7e8f9";
  private static final String ID =
      "5c9f0e1d2c3b4a59687716253443526170ffeeddccbbaa998877665544332211";
  private static final String NODE =
      "aa9f0e1d2c3b4a59687716253443526170ffeeddccbbaa998877665544332211";

  /** U, P, S and I stand for the UID (with dashes, underscores), the static hash, the id. */
  private static String expand(String path) {
    return path.replace("{U}", UID)
        .replace("{P}", UNDERSCORES)
        .replace("{S}", STATIC)
        .replace("{I}", ID)
        .replace("{N}", NODE);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        // containerd, systemd driver: burstable, besteffort, guaranteed
        "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{P}.slice/cri-containerd-{I}.scope",
        "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod{P}.slice/cri-containerd-{I}.scope",
        "/kubepods.slice/kubepods-pod{P}.slice/cri-containerd-{I}.scope",
        // CRI-O, and crun's cgroup inside
        "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{P}.slice/crio-{I}.scope",
        "/kubepods.slice/kubepods-pod{P}.slice/crio-{I}.scope/container",
        // cri-dockerd
        "/kubepods.slice/kubepods-pod{P}.slice/docker-{I}.scope",
        // cgroupfs driver
        "/kubepods/burstable/pod{U}/{I}",
        "/kubepods/besteffort/pod{U}/{I}",
        "/kubepods/pod{U}/{I}",
        "/kubepods/pod{U}/crio-{I}",
        // systemd inside the container
        "/kubepods/burstable/pod{U}/{I}/init.scope",
        "/kubepods.slice/kubepods-pod{P}.slice/cri-containerd-{I}.scope/system.slice/ssh.service",
        // kind
        "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-besteffort.slice/kubelet-kubepods-besteffort-pod{P}.slice/cri-containerd-{I}.scope",
        "/docker/{N}/kubelet/kubepods/burstable/pod{U}/{I}",
        "/system.slice/docker-{N}.scope/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod{P}.slice/cri-containerd-{I}.scope",
        // k3d, k3s in docker
        "/docker/{N}/kubepods/besteffort/pod{U}/{I}",
        // the kubelet speaks systemd, containerd does not
        "/system.slice/containerd.service/kubepods-burstable-pod{P}.slice:cri-containerd:{I}",
        // seen from a pod's own cgroup namespace
        "/../../kubepods-besteffort-pod{P}.slice/cri-containerd-{I}.scope",
        "/../../pod{U}/{I}",
      })
  void findsTheContainer(String path) {
    assertThat(CgroupPath.workload(expand(path))).isEqualTo(new Workload("", UID, ID, ""));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{P}.slice",
        "/kubepods/burstable/pod{U}",
        "/kubepods.slice/kubepods-pod{P}.slice/crio-conmon-{I}.scope",
        "/kubepods/pod{U}/crio-conmon-{I}",
        "/kubepods/pod{U}/something-else",
      })
  void thePodItselfHasNoContainer(String path) {
    assertThat(CgroupPath.workload(expand(path))).isEqualTo(new Workload("", UID, "", ""));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{S}.slice/cri-containerd-{I}.scope",
        "/kubepods/burstable/pod{S}/{I}",
      })
  void aStaticPodHasTheHashOfItsConfiguration(String path) {
    assertThat(CgroupPath.workload(expand(path))).isEqualTo(new Workload("", STATIC, ID, ""));
  }

  @Test
  void theOutermostPodWins() {
    // A container that makes cgroups inside itself must not be able to charge another pod.
    String path =
        expand("/kubepods/pod{U}/{I}/kubepods/pod99999999-9999-9999-9999-999999999999/{N}");
    assertThat(CgroupPath.workload(path)).isEqualTo(new Workload("", UID, ID, ""));
  }

  @Test
  void noLoginCanClaimToBeAPod() {
    String login = "/user.slice/user-1000.slice/user@1000.service";
    assertThat(CgroupPath.workload(login + expand("/kubepods/pod{U}/{I}")))
        .isEqualTo(Workload.unit("user.slice/user-1000.slice"));
    assertThat(CgroupPath.workload(login + "/app.slice/ssh.service"))
        .isEqualTo(Workload.unit("user.slice/user-1000.slice"));
  }

  @ParameterizedTest
  @CsvSource({
    "/, /",
    "'', /",
    "/../.., /",
    "/init.scope, init.scope",
    "/system.slice/ssh.service, ssh.service",
    "/system.slice/system-getty.slice/getty@tty1.service, getty@tty1.service",
    "/system.slice/ssh.service/deeper/still, ssh.service",
    "/system.slice/docker.socket, docker.socket",
    "/system.slice/var-lib-docker.mount, var-lib-docker.mount",
    "/system.slice, system.slice",
    "/kubepods.slice/kubepods-burstable.slice, kubepods.slice/kubepods-burstable.slice",
    "/kubepods/burstable, kubepods/burstable",
    "/user.slice, user.slice",
    "/user.slice/user-1000.slice/session-3.scope, user.slice/user-1000.slice",
    "/docker/{I}, docker/5c9f0e1d2c3b",
    "/docker/{I}/init.scope, init.scope",
    "/system.slice/docker-{I}.scope, docker/5c9f0e1d2c3b",
    "/system.slice/docker-{I}.scope/init.scope, docker/5c9f0e1d2c3b",
    "/machine.slice/libpod-{I}.scope, podman/5c9f0e1d2c3b",
    "/machine.slice/libpod-{I}.scope/container, podman/5c9f0e1d2c3b",
    "/libpod_parent/libpod-{I}, podman/5c9f0e1d2c3b",
    "/default/{I}, default/5c9f0e1d2c3b",
    "/system.slice/nerdctl-{I}.scope, nerdctl/5c9f0e1d2c3b",
    "/lxc.payload.web/x/y/z, lxc.payload.web/x",
    "/a/b/c/d, a/b",
    "/pods/podcast, pods/podcast",
    "/data/pod{U}/{I}, data/pod3fa2c1b4-9d0e-4c1f-8a77-0b5c6d7e8f90",
    "/~other, /~other",
    "/~gone/x, /~gone/x",
    "/kernel, /kernel",
  })
  void everythingElseIsAUnit(String path, String unit) {
    assertThat(CgroupPath.workload(expand(path))).isEqualTo(Workload.unit(unit));
  }

  @Test
  void hostileNamesAreCleaned() {
    assertThat(CgroupPath.workload("/a\nb\u0000\u001b[31m/c\u202ed\ud800"))
        .isEqualTo(Workload.unit("a_b__[31m/c_d_"));
    String longest = CgroupPath.workload("/" + "é".repeat(255) + "/" + "x".repeat(255)).unit();
    assertThat(longest.getBytes(StandardCharsets.UTF_8).length)
        .isLessThanOrEqualTo(CgroupPath.MAX_BYTES);
    assertThat(longest).contains("/x");
  }

  @Test
  void removesTheMarkOfADeletedDirectory() {
    assertThat(CgroupPath.alive("/a/b (deleted)")).isEqualTo("/a/b");
    assertThat(CgroupPath.alive("/a/b")).isEqualTo("/a/b");
  }

  /** Whatever the path, the answer is either a pod or a unit, clean and short. Seeds are fixed. */
  @RepeatedTest(20)
  void anyPathGivesACleanLabel(RepetitionInfo run) {
    Random random = new Random(run.getCurrentRepetition());
    String[] pieces = {
      "/",
      "/",
      "kubepods",
      ".slice",
      "-pod",
      "pod",
      UID,
      UNDERSCORES,
      ID,
      "cri-containerd-",
      ".scope",
      "..",
      ":",
      "docker",
      "user.slice",
      "\n",
      "\u0000",
      "\ud800",
      "\udc00",
      "é",
      "\u202e",
      "~",
      " ",
      "(deleted)",
      "\"",
      "\\"
    };
    for (int i = 0; i < 1_000; i++) {
      StringBuilder path = new StringBuilder("/");
      int n = random.nextInt(40);
      for (int j = 0; j < n; j++) {
        path.append(
            random.nextInt(4) == 0
                ? String.valueOf((char) random.nextInt(0x10000))
                : pieces[random.nextInt(pieces.length)]);
      }
      Workload w = CgroupPath.workload(path.toString());
      assertThat(w.isPod()).as(w.toString()).isEqualTo(w.unit().isEmpty());
      assertThat(w.unit() + w.pod() + w.container())
          .doesNotContainPattern("[\\p{Cntrl}\\p{Cs}\\p{Cf}]");
      assertThat(w.unit().getBytes(StandardCharsets.UTF_8).length)
          .isLessThanOrEqualTo(CgroupPath.MAX_BYTES);
      assertThat(w.unit()).doesNotStartWith("~").isNotEqualTo("kernel");
    }
  }
}
