package dev.sonde.exporter.grpc;

import dev.sonde.exporter.model.Workload;
import java.util.Objects;

/**
 * A workload and the control group by which the kernel knows it.
 *
 * @param cgroupPath relative to the root of the hierarchy in use, beginning with {@code /}
 * @param cgroupId the kernel's id of the control group
 * @param alive false once the control group is gone while its series are still exposed
 */
public record WorkloadInfo(Workload workload, String cgroupPath, long cgroupId, boolean alive) {
  public WorkloadInfo {
    Objects.requireNonNull(workload, "workload");
    Objects.requireNonNull(cgroupPath, "cgroupPath");
  }
}
