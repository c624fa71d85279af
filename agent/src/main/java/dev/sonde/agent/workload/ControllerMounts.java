package dev.sonde.agent.workload;

import dev.sonde.agent.host.Mount;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Where the files of a cgroup are that are not of the hierarchy whose ids are the keys. A runtime
 * gives a container the same path in each of them.
 *
 * <pre>{@code
 * ControllerMounts m = ControllerMounts.detect(null);
 * m.cpuacct();   // /sys/fs/cgroup/cpuacct on a v1 or hybrid host, null on a pure v2 one
 * }</pre>
 *
 * @param cpu v1: quotas and throttling
 * @param cpuacct v1: CPU time
 * @param v2 the v2 tree, on its own or beside v1
 */
public record ControllerMounts(@Nullable Path cpu, @Nullable Path cpuacct, @Nullable Path v2) {
  /**
   * @param cgroupRoot as in {@link CgroupHierarchy#detect}
   * @throws IOException this process' mounts cannot be read
   */
  public static ControllerMounts detect(@Nullable Path cgroupRoot) throws IOException {
    return detect(Path.of("/proc/self/mountinfo"), cgroupRoot);
  }

  static ControllerMounts detect(Path mountinfo, @Nullable Path cgroupRoot) throws IOException {
    String below = cgroupRoot == null ? "/" : CgroupHierarchy.real(cgroupRoot).toString();
    List<Mount> mounts =
        Mount.read(mountinfo).stream()
            .filter(m -> CgroupHierarchy.isBelow(m.point(), below))
            .toList();
    return new ControllerMounts(
        widest(mounts, m -> isV1(m, "cpu")),
        widest(mounts, m -> isV1(m, "cpuacct")),
        widest(mounts, m -> m.type().equals("cgroup2")));
  }

  private static boolean isV1(Mount m, String controller) {
    return m.type().equals("cgroup") && m.superOptions().contains(controller);
  }

  private static @Nullable Path widest(List<Mount> mounts, Predicate<Mount> which) {
    return mounts.stream()
        .filter(which)
        .min(CgroupHierarchy.WIDEST)
        .map(m -> Path.of(m.point()))
        .orElse(null);
  }
}
