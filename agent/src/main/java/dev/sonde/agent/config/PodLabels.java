package dev.sonde.agent.config;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Which labels of pods become labels of {@code sonde_pod_info}: none but those listed.
 *
 * {@snippet :
 * PodLabels.of(List.of("app", "app.kubernetes.io/name"));
 * // label_app, label_app_kubernetes_io_name
 * }
 *
 * <p>Immutable.
 */
public record PodLabels(List<Label> labels) {
  /** More would make a series of each pod longer than it is worth. */
  public static final int MOST = 32;

  /** A label's name at Kubernetes' and at Prometheus'. */
  public record Label(String kubernetes, String exposed) {}

  public static final PodLabels NONE = new PodLabels(List.of());

  public PodLabels {
    labels = List.copyOf(labels);
  }

  /**
   * @throws IllegalArgumentException a name that Kubernetes does not allow, or two that would be
   *     one; the message says which
   */
  public static PodLabels of(List<String> names) {
    Map<String, String> taken = new HashMap<>();
    List<Label> labels = new ArrayList<>();
    for (String name : new LinkedHashSet<>(names)) {
      if (!name.matches("[A-Za-z0-9]([-A-Za-z0-9_./]{0,315}[A-Za-z0-9])?")) {
        throw new IllegalArgumentException("'" + name + "' is not the name of a label");
      }
      String exposed = "label_" + name.replaceAll("[^A-Za-z0-9_]", "_");
      String other = taken.put(exposed, name);
      if (other != null) {
        throw new IllegalArgumentException(
            "'" + other + "' and '" + name + "' would both be " + exposed);
      }
      labels.add(new Label(name, exposed));
    }
    if (labels.size() > MOST) {
      throw new IllegalArgumentException("more than " + MOST + " labels");
    }
    return new PodLabels(labels);
  }

  /** Their names at Kubernetes. */
  public Set<String> kubernetes() {
    Set<String> names = new LinkedHashSet<>();
    labels.forEach(l -> names.add(l.kubernetes()));
    return names;
  }
}
