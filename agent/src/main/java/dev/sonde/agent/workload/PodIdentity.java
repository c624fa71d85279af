package dev.sonde.agent.workload;

import java.util.List;
import java.util.Map;

/**
 * A pod, as one source knows it. Immutable; every text is clean (see {@link LabelValue}).
 *
 * @param uid as the cgroup's path has it
 * @param aliases other UIDs of the same pod: a static pod has its configuration's hash and, at the
 *     API server, its mirror's UID
 * @param owner who made it; {@link Owner#NONE} if nobody or not known
 * @param labels those of the pod's labels that may be exposed, by their name in Kubernetes
 * @param createdNanos since 1970: of two pods with one name the later holds it
 */
public record PodIdentity(
    String uid,
    List<String> aliases,
    String namespace,
    String name,
    Owner owner,
    Map<String, String> labels,
    long createdNanos) {
  public PodIdentity {
    aliases = List.copyOf(aliases);
    labels = Map.copyOf(labels);
  }

  PodIdentity withOwner(Owner better) {
    return new PodIdentity(uid, aliases, namespace, name, better, labels, createdNanos);
  }
}
