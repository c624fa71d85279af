package dev.sonde.agent.workload;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sonde.exporter.model.Workload;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Who is called what, and who a liar can rename: nobody. */
class IdentitiesTest {
  private static final String UID = "3fa2c1b4-9d0e-4c1f-8a77-0b5c6d7e8f90";
  private static final String LATER = "11111111-9d0e-4c1f-8a77-0b5c6d7e8f90";
  private static final String HASH = "0123456789abcdef0123456789abcdef";
  private static final String ID = "5c".repeat(32);
  private static final String PAUSE = "aa".repeat(32);
  private static final long KEEP = 1000;

  private static PodIdentity pod(String uid, String name, long created) {
    return new PodIdentity(uid, List.of(), "shop", name, Owner.NONE, Map.of(), created);
  }

  private static ContainerIdentity container(String id, String uid, String name, long created) {
    return new ContainerIdentity(id, uid, name, "image:1", created);
  }

  private static Answer answer(List<PodIdentity> pods, ContainerIdentity... containers) {
    return new Answer(pods, List.of(containers), "test");
  }

  private static CgroupName cgroup(String uid, String id) {
    return CgroupPath.parse("/kubepods/burstable/pod" + uid + (id.isEmpty() ? "" : "/" + id));
  }

  private static Identities known(Answer... answers) {
    return Identities.NONE.updated(List.of(answers), 0, KEEP);
  }

  private static Workload named(String pod, String container, String uid) {
    return new Workload("shop", pod, container, "", uid);
  }

  @Test
  void namesPodContainerAndSandbox() {
    Identities ids =
        known(
            answer(
                List.of(pod(UID, "web-0", 1)),
                container(ID, UID, "nginx", 2),
                container(PAUSE, UID, "", 1)));
    assertThat(ids.name(cgroup(UID, ID))).isEqualTo(named("web-0", "nginx", UID));
    assertThat(ids.name(cgroup(UID, PAUSE))).isEqualTo(named("web-0", "", UID));
    assertThat(ids.name(cgroup(UID, ""))).isEqualTo(named("web-0", "", UID));
  }

  @Test
  void whatIsNotKnownHasNoNameAndIsCalledByWhatIs() {
    Identities ids = known(answer(List.of(pod(UID, "web-0", 1))));
    assertThat(ids.name(cgroup(UID, ID))).isNull();
    assertThat(ids.best(cgroup(UID, ID))).isEqualTo(named("web-0", ID, UID));
    assertThat(ids.name(cgroup(LATER, ID))).isNull();
    assertThat(ids.best(cgroup(LATER, ID))).isEqualTo(new Workload("", LATER, ID, ""));
    CgroupName ssh = CgroupPath.parse("/system.slice/ssh.service");
    assertThat(ids.name(ssh)).isEqualTo(Workload.unit("ssh.service"));
  }

  @Test
  void aContainerWithoutAPodsCgroupIsNamedByItsId() {
    Identities ids =
        known(answer(List.of(pod(UID, "web-0", 1)), container(ID, UID, "nginx", 2)));
    for (String path :
        List.of(
            "/k8s.io/" + ID,
            "/system.slice/cri-containerd-" + ID + ".scope",
            "/system.slice:cri-containerd:" + ID,
            "/machine.slice/crio-" + ID + ".scope")) {
      assertThat(ids.name(CgroupPath.parse(path)))
          .as(path)
          .isEqualTo(named("web-0", "nginx", UID));
    }
    CgroupName unknown = CgroupPath.parse("/k8s.io/" + PAUSE);
    assertThat(ids.name(unknown)).as("may still be named").isNull();
    assertThat(ids.best(unknown)).isEqualTo(Workload.unit("k8s.io/" + PAUSE.substring(0, 12)));
    CgroupName other = CgroupPath.parse("/moby/" + PAUSE);
    assertThat(ids.name(other))
        .as("nobody will name it")
        .isEqualTo(Workload.unit("moby/" + PAUSE.substring(0, 12)));
  }

  /** The path says which pod: a container that is said to be another pod's keeps its id. */
  @Test
  void thePathIsRightWhereTheRuntimeSaysOtherwise() {
    Identities ids =
        known(
            answer(
                List.of(pod(UID, "web-0", 1), pod(LATER, "db-0", 1)),
                container(ID, LATER, "postgres", 2)));
    assertThat(ids.name(cgroup(UID, ID))).isNull();
    assertThat(ids.best(cgroup(UID, ID))).isEqualTo(named("web-0", ID, UID));
  }

  @Test
  void aUidKeepsTheNameItWasFirstToldWith() {
    Identities ids =
        known(answer(List.of(pod(UID, "web-0", 1)), container(ID, UID, "nginx", 2)));
    Identities lied =
        ids.updated(
            List.of(answer(List.of(pod(UID, "evil", 9)), container(ID, UID, "evil", 9))), 1, KEEP);
    assertThat(lied.name(cgroup(UID, ID))).isEqualTo(named("web-0", "nginx", UID));
    assertThat(known(answer(List.of(pod(UID, "a", 1), pod(UID, "b", 2)))).name(cgroup(UID, "")))
        .as("two names in one answer")
        .isEqualTo(named("a", "", UID));
  }

  @Test
  void aLaterPodOfTheSameNameHoldsIt() {
    Identities before = known(answer(List.of(pod(UID, "db-0", 1))));
    assertThat(before.replaced("shop", "db-0", UID)).isFalse();
    Identities both =
        before.updated(
            List.of(answer(List.of(pod(UID, "db-0", 1), pod(LATER, "db-0", 5)))), 1, KEEP);
    assertThat(both.name(cgroup(UID, ""))).isEqualTo(Identities.REPLACED);
    assertThat(both.name(cgroup(LATER, ""))).isEqualTo(named("db-0", "", LATER));
    assertThat(both.replaced("shop", "db-0", UID)).isTrue();
    assertThat(both.pods()).extracting(PodIdentity::uid).containsExactly(LATER);
    assertThat(both.holder(UID)).isNull();
  }

  /** A pod's sandbox that was made anew is no later pod. */
  @Test
  void aPodIsAsOldAsItsFirstSandbox() {
    Identities ids =
        known(
            answer(List.of(pod(UID, "db-0", 1), pod(UID, "db-0", 9), pod(LATER, "db-0", 5))));
    assertThat(ids.name(cgroup(UID, ""))).isEqualTo(Identities.REPLACED);
  }

  @Test
  void aStaticPodIsFoundByItsHashAndByItsMirror() {
    PodIdentity pod =
        new PodIdentity(
            UID, List.of(HASH), "kube-system", "etcd-n1", Owner.node("n1"), Map.of(), 1);
    Identities ids =
        known(answer(List.of(pod), new ContainerIdentity(ID, HASH, "etcd", "etcd:3", 2)));
    Workload etcd = new Workload("kube-system", "etcd-n1", "etcd", "", UID);
    assertThat(ids.name(cgroup(HASH, ID))).isEqualTo(etcd);
    assertThat(ids.name(cgroup(UID, ID))).isEqualTo(etcd);
  }

  @Test
  void theFirstSourceIsBelievedAndTheSecondAddsWhatItLacks() {
    PodIdentity byRuntime = pod(UID, "web-0", 7);
    PodIdentity byKubelet = pod(UID, "web-0", 3).withOwner(new Owner("StatefulSet", "web"));
    Identities ids = known(answer(List.of(byRuntime)), answer(List.of(byKubelet)));
    assertThat(ids.pods())
        .containsExactly(pod(UID, "web-0", 3).withOwner(new Owner("StatefulSet", "web")));
  }

  @Test
  void whatNobodyMentionsAnyMoreIsKeptForAWhile() {
    Identities ids = known(answer(List.of(pod(UID, "web-0", 1)), container(ID, UID, "nginx", 2)));
    Answer nothing = answer(List.of());
    Identities soon = ids.updated(List.of(nothing), KEEP - 1, KEEP);
    assertThat(soon.name(cgroup(UID, ID))).isEqualTo(named("web-0", "nginx", UID));
    assertThat(soon.updated(List.of(nothing), KEEP, KEEP).name(cgroup(UID, ID))).isNull();
  }

  @Test
  void ofARestartedContainerTheLaterOneIsShown() {
    Identities ids =
        known(
            answer(
                List.of(pod(UID, "web-0", 1)),
                container(ID, UID, "nginx", 2),
                container(PAUSE, UID, "nginx", 8)));
    assertThat(ids.containers()).extracting(ContainerIdentity::id).containsExactly(PAUSE);
    assertThat(ids.name(cgroup(UID, ID))).isEqualTo(ids.name(cgroup(UID, PAUSE)));
  }
}
