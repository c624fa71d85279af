package dev.sonde.agent.workload;

/**
 * A container, as one source knows it. Immutable; every text is clean.
 *
 * @param id the runtime's, in full
 * @param podUid of its pod
 * @param name its name in the pod; empty for the pod's own sandbox ("pause")
 * @param image as the pod's manifest names it, where known
 * @param createdNanos since 1970: of two with one name in one pod the later is the one that runs
 */
public record ContainerIdentity(
    String id, String podUid, String name, String image, long createdNanos) {}
