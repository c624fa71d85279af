package dev.sonde.agent.workload;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Names and labels as the controllers of Kubernetes make them. */
class OwnerTest {
  private static final Instant CREATED = Instant.parse("2026-03-01T12:00:05Z");
  private static final long MINUTES = CREATED.getEpochSecond() / 60;

  private static Owner of(String pod, String... labels) {
    Map<String, String> all = new java.util.HashMap<>();
    for (int i = 0; i < labels.length; i += 2) {
      all.put(labels[i], labels[i + 1]);
    }
    return Owner.fromLabels(pod, all, CREATED);
  }

  @Test
  void aDeploymentRatherThanItsReplicaSet() {
    assertThat(of("web-7d4b9c6f5d-x2x4z", "pod-template-hash", "7d4b9c6f5d"))
        .isEqualTo(new Owner("Deployment", "web"));
    assertThat(of("my-app-v2-5c8-bcdfg", "pod-template-hash", "5c8"))
        .isEqualTo(new Owner("Deployment", "my-app-v2"));
    assertThat(of("web-7d4b9c6f5d-x2x4z", "rollouts-pod-template-hash", "7d4b9c6f5d"))
        .isEqualTo(new Owner("Rollout", "web"));
  }

  @Test
  void aNameThatDoesNotFitItsLabelTellsNoOwner() {
    assertThat(of("web-0", "pod-template-hash", "7d4b9c6f5d")).isEqualTo(Owner.NONE);
    assertThat(of("web-7d4b9c6f5d-x2x4z", "pod-template-hash", "another")).isEqualTo(Owner.NONE);
    assertThat(of("-7d4b9c6f5d-x2x4z", "pod-template-hash", "7d4b9c6f5d")).isEqualTo(Owner.NONE);
    assertThat(of("web--x2x4z", "pod-template-hash", "")).isEqualTo(Owner.NONE);
    assertThat(of("web")).isEqualTo(Owner.NONE);
  }

  @Test
  void aJobRatherThanItsPodAndACronJobRatherThanItsJob() {
    assertThat(of("import-x2x4z", "batch.kubernetes.io/job-name", "import"))
        .isEqualTo(new Owner("Job", "import"));
    assertThat(of("import-x2x4z", "job-name", "import")).isEqualTo(new Owner("Job", "import"));
    String scheduled = "backup-" + MINUTES;
    assertThat(of(scheduled + "-x2x4z", "job-name", scheduled))
        .isEqualTo(new Owner("CronJob", "backup"));
    String longAgo = "backup-" + (MINUTES - 60 * 24 * 30);
    assertThat(of(longAgo + "-x2x4z", "job-name", longAgo))
        .as("a number that is no schedule of this pod's")
        .isEqualTo(new Owner("Job", longAgo));
    assertThat(of("v-20260301-x2x4z", "job-name", "v-20260301"))
        .isEqualTo(new Owner("Job", "v-20260301"));
  }

  @Test
  void aStatefulSetAndADaemonSet() {
    assertThat(
            of(
                "db-12",
                "statefulset.kubernetes.io/pod-name",
                "db-12",
                "controller-revision-hash",
                "db-5f7"))
        .isEqualTo(new Owner("StatefulSet", "db"));
    assertThat(
            of(
                "kube-proxy-x2x4z",
                "controller-revision-hash",
                "7d4",
                "pod-template-generation",
                "1"))
        .isEqualTo(new Owner("DaemonSet", "kube-proxy"));
    assertThat(of("db-x", "statefulset.kubernetes.io/pod-name", "other-0")).isEqualTo(Owner.NONE);
  }

  @Test
  void behindWhatTheApiServerSays() {
    Map<String, String> hash = Map.of("pod-template-hash", "7d4b9c6f5d");
    assertThat(Owner.behind("ReplicaSet", "web-7d4b9c6f5d", hash, CREATED))
        .isEqualTo(new Owner("Deployment", "web"));
    assertThat(Owner.behind("ReplicaSet", "web", Map.of(), CREATED))
        .isEqualTo(new Owner("ReplicaSet", "web"));
    assertThat(Owner.behind("Job", "backup-" + MINUTES, Map.of(), CREATED))
        .isEqualTo(new Owner("CronJob", "backup"));
    assertThat(Owner.behind("DaemonSet", "proxy", Map.of(), CREATED))
        .isEqualTo(new Owner("DaemonSet", "proxy"));
  }
}
