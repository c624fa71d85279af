package dev.sonde.exporter.model;

import java.util.Objects;

/**
 * Who owns a series or an event: a container of a pod, or a {@code unit} of the host.
 *
 * <p>Fields that do not apply are empty, never null: every per-workload series carries all of them,
 * since Prometheus would fill a missing {@code pod} label with the agent's own pod under {@code
 * honor_labels}.
 *
 * @param namespace the pod's Kubernetes namespace, empty until pod identity names it
 * @param pod the pod's name; its UID where only the cgroup path is known
 * @param container the container's name; its id where only the cgroup path is known
 * @param unit the systemd unit or cgroup path (two levels at most) of what is no pod
 * @param uid the pod's UID where its name is known, else empty. No label: it tells a pod from an
 *     earlier one of the same name, whose series are other series
 */
public record Workload(String namespace, String pod, String container, String unit, String uid) {
  /** Where increments go whose owner cannot have a series of its own. */
  public static final Workload OTHER = unit("~other");

  public Workload {
    Objects.requireNonNull(namespace, "namespace");
    Objects.requireNonNull(pod, "pod");
    Objects.requireNonNull(container, "container");
    Objects.requireNonNull(unit, "unit");
    Objects.requireNonNull(uid, "uid");
  }

  /** One that no earlier workload of the same name has to be told from. */
  public Workload(String namespace, String pod, String container, String unit) {
    this(namespace, pod, container, unit, "");
  }

  /** A workload of the host itself. */
  public static Workload unit(String unit) {
    return new Workload("", "", "", unit);
  }

  /** Whether this is (part of) a pod. */
  public boolean isPod() {
    return !pod.isEmpty();
  }

  /** Whether this is a container of a pod; the pod's sandbox is none. */
  public boolean isContainer() {
    return !container.isEmpty();
  }

  /** Written out: a record's own is made of method handles at its first use, in every start. */
  @Override
  public boolean equals(Object other) {
    return other instanceof Workload w
        && pod.equals(w.pod)
        && container.equals(w.container)
        && namespace.equals(w.namespace)
        && unit.equals(w.unit)
        && uid.equals(w.uid);
  }

  @Override
  public int hashCode() {
    int hash = pod.hashCode();
    hash = 31 * hash + container.hashCode();
    hash = 31 * hash + namespace.hashCode();
    hash = 31 * hash + unit.hashCode();
    return 31 * hash + uid.hashCode();
  }
}
