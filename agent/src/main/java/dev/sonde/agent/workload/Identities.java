package dev.sonde.agent.workload;

import dev.sonde.exporter.model.Workload;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The names of all pods and containers that any source ever told and that are still of use.
 *
 * <p><b>Who has a name.</b> A pod is its UID: the cgroup's path has it, and the runtime cannot
 * change it. A UID keeps the name it was first told with, so that a source that lies later moves no
 * series. A container is believed to be of the pod whose cgroup it is in; where the runtime says
 * otherwise, the path is right and the container has no name but its id.
 *
 * <p><b>Two pods of one name.</b> The one that was made later holds it, from the moment that is
 * known. What the other still does belongs to the unit {@code ~replaced}.
 *
 * <p>Immutable: published by the thread that asks the sources, read by any.
 */
public final class Identities {
  /** The owner of what a pod does whose name already belongs to a later one. */
  public static final Workload REPLACED = Workload.unit("~replaced");

  /** Nobody was asked yet. */
  public static final Identities NONE =
      new Identities(Map.of(), Map.of(), Map.of(), Map.of(), Map.of(), 0);

  record Kept<T>(T value, long seenNanos) {}

  private record Name(String namespace, String pod) {}

  private final Map<String, Kept<PodIdentity>> pods;
  private final Map<String, Kept<ContainerIdentity>> containers;
  private final Map<String, String> byAlias;
  private final Map<Name, PodIdentity> holders;
  private final Map<String, ContainerIdentity> running;
  private final long updatedNanos;

  private Identities(
      Map<String, Kept<PodIdentity>> pods,
      Map<String, Kept<ContainerIdentity>> containers,
      Map<String, String> byAlias,
      Map<Name, PodIdentity> holders,
      Map<String, ContainerIdentity> running,
      long updatedNanos) {
    this.pods = pods;
    this.containers = containers;
    this.byAlias = byAlias;
    this.holders = holders;
    this.running = running;
    this.updatedNanos = updatedNanos;
  }

  /**
   * These, with what the sources say now.
   *
   * @param answers of the sources, the most trusted first
   * @param now of a monotonic clock
   * @param keepNanos how long what nobody mentions any more is kept
   */
  Identities updated(List<Answer> answers, long now, long keepNanos) {
    Map<String, Kept<PodIdentity>> newPods = new HashMap<>();
    Map<String, Kept<ContainerIdentity>> newContainers = new HashMap<>();
    for (Answer answer : answers) {
      for (PodIdentity pod : answer.pods()) {
        newPods.merge(
            pod.uid(),
            new Kept<>(pod, now),
            (first, second) -> new Kept<>(merged(first.value(), second.value()), now));
      }
      for (ContainerIdentity container : answer.containers()) {
        newContainers.putIfAbsent(container.id(), new Kept<>(container, now));
      }
    }
    // What was known first stays: a name never changes under a UID or an id.
    pods.forEach(
        (uid, old) -> {
          Kept<PodIdentity> fresh = newPods.get(uid);
          if (fresh != null) {
            newPods.put(uid, new Kept<>(sticky(old.value(), fresh.value()), now));
          } else if (now - old.seenNanos() < keepNanos && newPods.size() < 2 * Answer.MAX_PODS) {
            newPods.put(uid, old);
          }
        });
    containers.forEach(
        (id, old) -> {
          Kept<ContainerIdentity> fresh = newContainers.get(id);
          if (fresh != null) {
            newContainers.put(id, new Kept<>(sticky(old.value(), fresh.value()), now));
          } else if (now - old.seenNanos() < keepNanos
              && newContainers.size() < 2 * Answer.MAX_CONTAINERS) {
            newContainers.put(id, old);
          }
        });
    return of(newPods, newContainers, now);
  }

  /** These, with answers that are not kept beyond them. */
  public Identities with(List<Answer> answers) {
    return updated(answers, 0, Long.MAX_VALUE);
  }

  private static Identities of(
      Map<String, Kept<PodIdentity>> pods,
      Map<String, Kept<ContainerIdentity>> containers,
      long now) {
    Map<String, String> byAlias = new HashMap<>();
    Map<Name, PodIdentity> holders = new HashMap<>();
    for (Kept<PodIdentity> kept : pods.values()) {
      PodIdentity pod = kept.value();
      pod.aliases().forEach(alias -> byAlias.putIfAbsent(alias, pod.uid()));
      holders.merge(new Name(pod.namespace(), pod.name()), pod, Identities::later);
    }
    Map<String, ContainerIdentity> running = new HashMap<>();
    for (Kept<ContainerIdentity> kept : containers.values()) {
      ContainerIdentity c = kept.value();
      running.merge(c.podUid() + "/" + c.name(), c, Identities::newer);
    }
    return new Identities(pods, containers, byAlias, holders, running, now);
  }

  private static ContainerIdentity newer(ContainerIdentity a, ContainerIdentity b) {
    int order = Long.compare(a.createdNanos(), b.createdNanos());
    return order > 0 || (order == 0 && a.id().compareTo(b.id()) > 0) ? a : b;
  }

  private static PodIdentity later(PodIdentity a, PodIdentity b) {
    int order = Long.compare(a.createdNanos(), b.createdNanos());
    return order > 0 || (order == 0 && a.uid().compareTo(b.uid()) > 0) ? a : b;
  }

  /** Two sources about one pod: the first's word counts, but an owner is better than none. */
  private static PodIdentity merged(PodIdentity first, PodIdentity second) {
    boolean same =
        first.name().equals(second.name()) && first.namespace().equals(second.namespace());
    PodIdentity pod =
        first.createdNanos() < second.createdNanos() || !same
            ? first
            // a sandbox that was made anew: the pod is as old as its first
            : new PodIdentity(
                first.uid(),
                first.aliases(),
                first.namespace(),
                first.name(),
                first.owner(),
                first.labels(),
                second.createdNanos());
    return same && pod.owner().equals(Owner.NONE) ? pod.withOwner(second.owner()) : pod;
  }

  private static PodIdentity sticky(PodIdentity old, PodIdentity fresh) {
    return old.name().equals(fresh.name()) && old.namespace().equals(fresh.namespace())
        ? merged(fresh, old)
        : old;
  }

  private static ContainerIdentity sticky(ContainerIdentity old, ContainerIdentity fresh) {
    return old.name().equals(fresh.name()) && old.podUid().equals(fresh.podUid()) ? fresh : old;
  }

  /** The workload of a cgroup, or null while the name of its pod or container is not known. */
  @Nullable Workload name(CgroupName cgroup) {
    if (!cgroup.expected() && !containers.containsKey(cgroup.container())) {
      return cgroup.byPath();
    }
    PodIdentity pod = pod(cgroup);
    if (pod == null) {
      return null;
    }
    if (replaced(pod.namespace(), pod.name(), pod.uid())) {
      return REPLACED;
    }
    if (cgroup.container().isEmpty()) {
      return workload(pod, "");
    }
    ContainerIdentity container = container(cgroup, pod);
    return container == null ? null : workload(pod, container.name());
  }

  /** As {@link #name}, with ids in place of names that are not known. */
  Workload best(CgroupName cgroup) {
    Workload named = name(cgroup);
    if (named != null) {
      return named;
    }
    PodIdentity pod = pod(cgroup);
    return pod == null ? cgroup.byPath() : workload(pod, cgroup.container());
  }

  private static Workload workload(PodIdentity pod, String container) {
    return new Workload(pod.namespace(), pod.name(), container, "", pod.uid());
  }

  private @Nullable PodIdentity pod(CgroupName cgroup) {
    String uid = cgroup.uid();
    if (uid.isEmpty()) {
      Kept<ContainerIdentity> container = containers.get(cgroup.container());
      uid = container == null ? "" : container.value().podUid();
    }
    Kept<PodIdentity> pod = pods.get(uid);
    if (pod == null) {
      pod = pods.get(byAlias.getOrDefault(uid, ""));
    }
    return pod == null ? null : pod.value();
  }

  private @Nullable ContainerIdentity container(CgroupName cgroup, PodIdentity pod) {
    Kept<ContainerIdentity> container = containers.get(cgroup.container());
    if (container == null) {
      return null;
    }
    String uid = container.value().podUid();
    return uid.equals(pod.uid()) || pod.aliases().contains(uid) ? container.value() : null;
  }

  /** Whether the name of that pod belongs to a later one, for as long as that is remembered. */
  boolean replaced(String namespace, String pod, String uid) {
    PodIdentity holder = holders.get(new Name(namespace, pod));
    return holder != null && !holder.uid().equals(uid) && !holder.aliases().contains(uid);
  }

  /** The pods that hold their names, one for each name. */
  public Collection<PodIdentity> pods() {
    return holders.values();
  }

  /** The containers that run, or ran last, under each name. */
  public Collection<ContainerIdentity> containers() {
    return running.values();
  }

  /** Whether a source told of it when last asked, or not longer before than that. */
  boolean isTold(PodIdentity pod, long nanos) {
    return isTold(pods.get(pod.uid()), nanos);
  }

  /** Likewise. */
  boolean isTold(ContainerIdentity container, long nanos) {
    return isTold(containers.get(container.id()), nanos);
  }

  private boolean isTold(@Nullable Kept<?> kept, long nanos) {
    long ago = kept == null ? Long.MAX_VALUE : updatedNanos - kept.seenNanos();
    return ago == 0 || ago < nanos;
  }

  /** The pod of that UID, if it holds its name. */
  public @Nullable PodIdentity holder(String uid) {
    Kept<PodIdentity> kept = pods.get(uid);
    if (kept == null) {
      return null;
    }
    PodIdentity pod = kept.value();
    return replaced(pod.namespace(), pod.name(), uid) ? null : pod;
  }
}
