package dev.sonde.agent.probe;

import java.nio.file.Path;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * What the programs and maps are told before they are loaded.
 *
 * @param maxSlots how many workloads have counters of their own, {@code ~other} included
 * @param cpus possible CPUs, which is how many the per-CPU rows are for
 * @param cgroupV1 whether the keys are ids of the v1 {@code cpu} hierarchy
 * @param cgroupHierarchy the kernel's number of the hierarchy whose cgroups are of interest
 * @param ringBytes size of the ring buffer; the perf buffer has a share of it per CPU
 * @param perfBuffer the perf buffer instead of the ring
 * @param btf the kernel's types, where the kernel does not carry them itself
 * @param sched what the scheduler probe is asked for
 * @param memory what of it the memory limit leaves
 * @param agentTgid the agent's process, to be told from the others in its cgroup; 0 where its
 *     cgroup is its own
 * @param tcpLongWait a longer wait of a connection or its data is an event; zero: none is
 */
public record KernelSettings(
    int maxSlots,
    int cpus,
    boolean cgroupV1,
    int cgroupHierarchy,
    int ringBytes,
    boolean perfBuffer,
    @Nullable Path btf,
    SchedSettings sched,
    MemoryPlan memory,
    int agentTgid,
    Duration tcpLongWait) {

  /** What {@code --tcp-long-wait} says by default. */
  public static final Duration LONG_TCP_WAIT = Duration.ofSeconds(1);

  /** With the scheduler's defaults, and no limit to the memory. */
  public KernelSettings(
      int maxSlots,
      int cpus,
      boolean cgroupV1,
      int cgroupHierarchy,
      int ringBytes,
      boolean perfBuffer,
      @Nullable Path btf) {
    this(
        maxSlots,
        cpus,
        cgroupV1,
        cgroupHierarchy,
        ringBytes,
        perfBuffer,
        btf,
        SchedSettings.DEFAULT,
        MemoryPlan.of(Long.MAX_VALUE, maxSlots, cpus, ringBytes),
        0,
        LONG_TCP_WAIT);
  }
}
