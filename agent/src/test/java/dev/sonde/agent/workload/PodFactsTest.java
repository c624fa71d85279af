package dev.sonde.agent.workload;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** What is taken of what a source says about a pod. */
class PodFactsTest {
  private static final String HASH = "0123456789abcdef0123456789abcdef";
  private static final String VICTIM = "3fa2c1b4-9d0e-4c1f-8a77-0b5c6d7e8f90";

  private final PodFacts facts = new PodFacts("node-1", Set.of("app"));

  private PodIdentity pod(Map<String, String> labels, Map<String, String> annotations) {
    return Objects.requireNonNull(
        facts.pod("uid-1", "kube-system", "etcd-n1", labels, annotations, null, 7));
  }

  @Test
  void aStaticPodHasItsHashForAnAlias() {
    PodIdentity pod =
        pod(
            Map.of(),
            Map.of("kubernetes.io/config.source", "file", "kubernetes.io/config.hash", HASH));
    assertThat(pod.aliases()).containsExactly(HASH);
    assertThat(pod.owner()).isEqualTo(new Owner("Node", "node-1"));
  }

  /** Else a pod could have another's counts, until that one's own name is known. */
  @Test
  void aPodOfTheApiCannotSayThatItIsAnother() {
    for (String source : List.of("api", "")) {
      Map<String, String> annotations =
          source.isEmpty()
              ? Map.of("kubernetes.io/config.hash", VICTIM, "kubernetes.io/config.mirror", VICTIM)
              : Map.of(
                  "kubernetes.io/config.source",
                  source,
                  "kubernetes.io/config.hash",
                  VICTIM,
                  "kubernetes.io/config.mirror",
                  VICTIM);
      assertThat(pod(Map.of(), annotations).aliases()).isEmpty();
    }
  }

  @Test
  void labelsThatAreNotListedAreNotKept() {
    PodIdentity pod =
        pod(Map.of("app", "a\nb\u202e" + "x".repeat(500), "secret", "not for anybody"), Map.of());
    assertThat(pod.labels()).containsOnlyKeys("app");
    assertThat(pod.labels().get("app")).startsWith("a_b_xxx").hasSize(Answer.MAX_NAME);
  }

  @Test
  void whatHasNoUidOrNameIsNobody() {
    assertThat(facts.pod("", "ns", "a", Map.of(), Map.of(), null, 7)).isNull();
    assertThat(facts.pod("uid", "ns", "", Map.of(), Map.of(), null, 7)).isNull();
  }
}
