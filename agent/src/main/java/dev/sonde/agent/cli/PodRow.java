package dev.sonde.agent.cli;

import dev.sonde.exporter.model.Workload;

/**
 * One line of {@code sonde pods}.
 *
 * @param id the cgroup's id
 * @param cgroup its path in the chosen hierarchy
 * @param processes how many processes are in it itself, not below it
 */
public record PodRow(long id, String cgroup, Workload workload, int processes) {}
