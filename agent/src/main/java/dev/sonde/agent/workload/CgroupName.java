package dev.sonde.agent.workload;

import dev.sonde.exporter.model.Workload;

/**
 * What a cgroup's path says about whose it is.
 *
 * {@snippet :
 * CgroupName n = CgroupPath.parse("/kubepods/burstable/pod<uid>/<id>");
 * n.uid();      // the pod's UID
 * n.byPath();   // what it is called while nobody knows the pod's name
 * }
 *
 * @param byPath the workload as far as the path alone tells
 * @param uid the pod's UID, a static pod's configuration hash, or empty
 * @param container the container's full id, or empty
 * @param expected whether a container runtime can be expected to know more: it is a pod's, or has a
 *     name that only a Kubernetes runtime gives
 */
public record CgroupName(Workload byPath, String uid, String container, boolean expected) {
  /** Nobody knows more than the path. */
  static CgroupName plain(Workload byPath) {
    return new CgroupName(byPath, "", "", false);
  }
}
