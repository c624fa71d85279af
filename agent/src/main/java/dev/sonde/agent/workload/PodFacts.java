package dev.sonde.agent.workload;

import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Makes a {@link PodIdentity} of what a source says of a pod, believing nothing: texts are cleaned
 * and cut, and of labels and annotations only what is used is kept, since pods choose them.
 *
 * <p>Immutable, any thread.
 *
 * @param node the owner of static pods
 * @param exposed the labels that may become labels of series ({@code --pod-labels})
 */
public record PodFacts(String node, Set<String> exposed) {
  /** The annotations that are looked at. */
  private static final String CONFIG_HASH = "kubernetes.io/config.hash";

  private static final String CONFIG_MIRROR = "kubernetes.io/config.mirror";
  private static final String CONFIG_SOURCE = "kubernetes.io/config.source";
  private static final String API = "api";

  public PodFacts {
    exposed = Set.copyOf(exposed);
  }

  /** Whether an annotation of that name is of use. */
  public static boolean usesAnnotation(String name) {
    return name.equals(CONFIG_HASH) || name.equals(CONFIG_MIRROR) || name.equals(CONFIG_SOURCE);
  }

  /** Whether a label of that name is of use. */
  public boolean usesLabel(String name) {
    return exposed.contains(name) || Owner.LABELS.contains(name);
  }

  /**
   * @param owner where the source knows it, else null: then the labels say
   * @return null if it has no UID or no name: nothing can be called by that
   */
  public @Nullable PodIdentity pod(
      String uid,
      String namespace,
      String name,
      Map<String, String> labels,
      Map<String, String> annotations,
      @Nullable Owner owner,
      long createdNanos) {
    String cleanUid = clean(uid);
    String cleanName = clean(name);
    if (cleanUid.isEmpty() || cleanName.isEmpty()) {
      return null;
    }
    Map<String, String> kept = new HashMap<>();
    for (String label : exposed) {
      String value = labels.get(label);
      if (value != null) {
        kept.put(label, clean(value));
      }
    }
    return new PodIdentity(
        cleanUid,
        isStatic(annotations) ? aliases(cleanUid, annotations) : List.of(),
        clean(namespace),
        cleanName,
        owner(cleanName, labels, annotations, owner, createdNanos),
        kept,
        createdNanos);
  }

  /**
   * By the kubelet's word: it writes where it has a pod from over whatever the pod says. Of a pod
   * from the API the other annotations are whatever its author likes.
   */
  private static boolean isStatic(Map<String, String> annotations) {
    return !annotations.getOrDefault(CONFIG_SOURCE, API).equals(API);
  }

  private static List<String> aliases(String uid, Map<String, String> annotations) {
    List<String> aliases = new ArrayList<>();
    for (String key : List.of(CONFIG_HASH, CONFIG_MIRROR)) {
      String alias = clean(annotations.getOrDefault(key, ""));
      if (!alias.isEmpty() && !alias.equals(uid)) {
        aliases.add(alias);
      }
    }
    return aliases;
  }

  private Owner owner(
      String pod,
      Map<String, String> labels,
      Map<String, String> annotations,
      @Nullable Owner told,
      long createdNanos) {
    Owner owner;
    if (isStatic(annotations)) {
      owner = Owner.node(node);
    } else if (told != null) {
      owner = told;
    } else {
      owner = Owner.fromLabels(pod, labels, Instant.ofEpochSecond(0, createdNanos));
    }
    return new Owner(clean(owner.kind()), clean(owner.name()));
  }

  /** A name that may be exposed. */
  public static String clean(String text) {
    return LabelValue.clean(text, Answer.MAX_NAME);
  }
}
