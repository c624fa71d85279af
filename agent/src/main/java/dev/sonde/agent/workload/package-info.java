/**
 * Who owns what the kernel counts: cgroup id to cgroup path to {@link
 * dev.sonde.exporter.model.Workload}.
 *
 * <p>{@link dev.sonde.agent.workload.CgroupHierarchy} chooses the one hierarchy whose ids mean
 * something on this host, {@link dev.sonde.agent.workload.CgroupResolver} turns an id into a path,
 * {@link dev.sonde.agent.workload.CgroupPath} reads the path, and {@link
 * dev.sonde.agent.workload.PodTable} remembers the answers.
 */
package dev.sonde.agent.workload;
