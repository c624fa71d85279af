package dev.sonde.agent;

import dev.sonde.agent.config.Config;
import dev.sonde.agent.config.MechanismChoice;
import dev.sonde.agent.config.Options;
import dev.sonde.agent.doctor.StartException;
import dev.sonde.agent.doctor.StartFailure;
import dev.sonde.agent.host.ProcFs;
import dev.sonde.agent.probe.KernelSettings;
import dev.sonde.agent.probe.MemoryPlan;
import dev.sonde.agent.probe.ProbeSet;
import dev.sonde.agent.probe.SchedSettings;
import dev.sonde.agent.workload.CgroupHierarchy;
import dev.sonde.ffi.KernelFeatures;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/** From the options to attached probes. */
public final class Kernel {
  private Kernel() {}

  /** What fits into {@code --bpf-memory-limit} on this machine. */
  public static MemoryPlan memory(Config config) {
    return MemoryPlan.of(
        config.get(Options.BPF_MEMORY_LIMIT),
        config.get(Options.MAX_WORKLOADS),
        KernelFeatures.possibleCpus(),
        config.get(Options.RING_BUFFER_BYTES));
  }

  private static int number(CgroupHierarchy hierarchy) throws StartException {
    try {
      return hierarchy.number(Files.readString(Path.of("/proc/self/cgroup")));
    } catch (IOException | NumberFormatException e) {
      throw new StartException(
          new StartFailure.Broken("/proc/self/cgroup: " + e.getMessage(), "is /proc mounted?"));
    }
  }

  /**
   * @throws StartException an object of this build is broken; a probe that the kernel refuses is no
   *     failure
   */
  public static ProbeSet attach(Config config, CgroupHierarchy hierarchy) throws StartException {
    MechanismChoice choice = config.get(Options.MECHANISM);
    Map<String, String> forced = new HashMap<>(choice.byProbe());
    boolean perf = "perf".equals(forced.remove(MechanismChoice.BUFFER));
    MemoryPlan memory = memory(config);
    KernelSettings settings =
        new KernelSettings(
            memory.maxSlots(),
            KernelFeatures.possibleCpus(),
            hierarchy.idsFromV1(),
            number(hierarchy),
            config.get(Options.RING_BUFFER_BYTES),
            perf,
            config.get(Options.BTF).orElse(null),
            new SchedSettings(
                config.get(Options.SCHED_DEADLINES),
                config.get(Options.SCHED_LONG_WAIT),
                config.get(Options.SCHED_NEIGHBOURS)),
            memory,
            AgentUnit.tgid(hierarchy, new ProcFs(config.get(Options.PROC_ROOT))),
            config.get(Options.TCP_LONG_WAIT));
    try {
      return ProbeSet.attach(settings, forced, config.get(Options.PROBES)::includes);
    } catch (IllegalArgumentException e) {
      throw new StartException(
          new StartFailure.Broken(
              "BPF objects of this build: " + e.getMessage(),
              "rebuild them: make bpf, or install Sonde again"));
    }
  }
}
