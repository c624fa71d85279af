package dev.sonde.agent;

import dev.sonde.agent.host.ProcFs;
import dev.sonde.agent.workload.CgroupHierarchy;
import dev.sonde.agent.workload.CgroupPath;
import dev.sonde.exporter.model.Workload;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Whether the agent's own work would be counted with somebody else's.
 *
 * <p>In a pod, in a container or as a service it has a cgroup of its own, and is found under that
 * name. Started by hand it runs in the shell's cgroup or in the root: then it is the unit {@code
 * sonde}.
 */
final class AgentUnit {
  /** PROC_PID_INIT_INO of include/linux/proc_ns.h. */
  private static final String HOSTS_PIDS = "pid:[4026531836]";

  private AgentUnit() {}

  /** The process to be counted apart, by the host's number; 0 if its cgroup is its own. */
  static int tgid(CgroupHierarchy hierarchy, ProcFs proc) {
    int pid = (int) ProcessHandle.current().pid();
    String cgroup = proc.cgroup(pid);
    String path = cgroup == null ? null : hierarchy.pathIn(cgroup);
    return path == null || !hasHostsNumber() || isOwn(CgroupPath.workload(path)) ? 0 : pid;
  }

  /** In a pid namespace of our own our number is somebody else's on the host. */
  private static boolean hasHostsNumber() {
    try {
      return Files.readSymbolicLink(Path.of("/proc/self/ns/pid")).toString().equals(HOSTS_PIDS);
    } catch (IOException e) {
      return false;
    }
  }

  /** Containers that are no pods have a unit of engine and id. */
  static boolean isOwn(Workload workload) {
    String unit = workload.unit();
    return workload.isPod() || unit.endsWith(".service") || unit.matches("\\w+/[0-9a-f]{12}");
  }
}
