package dev.sonde.agent;

import dev.sonde.agent.config.Config;
import dev.sonde.agent.config.Options;
import dev.sonde.agent.doctor.StartException;
import dev.sonde.agent.doctor.StartFailure;
import dev.sonde.agent.workload.CgroupHierarchy;
import dev.sonde.agent.workload.ControllerMounts;
import dev.sonde.agent.workload.PodTable;
import java.io.IOException;

/** From the options to the host's cgroups. */
public final class Cgroups {
  private static final String REMEDY = "name the host's cgroup mount with --cgroup-root DIR";

  private Cgroups() {}

  /** The hierarchy whose ids are the keys on this host. */
  public static CgroupHierarchy hierarchy(Config config) throws StartException {
    try {
      return CgroupHierarchy.detect(config.get(Options.CGROUP_ROOT));
    } catch (IOException e) {
      throw new StartException(new StartFailure.Broken("find cgroups: " + e.getMessage(), REMEDY));
    }
  }

  /** Where else a cgroup has files. */
  static ControllerMounts mounts(Config config) throws StartException {
    try {
      return ControllerMounts.detect(config.get(Options.CGROUP_ROOT));
    } catch (IOException e) {
      throw new StartException(new StartFailure.Broken("find cgroups: " + e.getMessage(), REMEDY));
    }
  }

  /** The names of its cgroups. The caller closes it. */
  public static PodTable pods(Config config, CgroupHierarchy hierarchy) throws StartException {
    try {
      return PodTable.open(hierarchy, config.get(Options.STALE_AFTER));
    } catch (IOException e) {
      throw new StartException(new StartFailure.Broken("read cgroups: " + e.getMessage(), REMEDY));
    }
  }
}
