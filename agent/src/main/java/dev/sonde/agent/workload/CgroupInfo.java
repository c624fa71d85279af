package dev.sonde.agent.workload;

import dev.sonde.exporter.model.Workload;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * One cgroup the agent knows.
 *
 * @param id its id in the host's one hierarchy
 * @param path below the hierarchy's mount, as the kernel writes it: not cleaned, not for a label
 * @param removedFor how long ago it was seen to be gone; null while it exists
 */
public record CgroupInfo(long id, String path, Workload workload, @Nullable Duration removedFor) {
  public boolean alive() {
    return removedFor == null;
  }
}
