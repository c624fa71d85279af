package dev.sonde.agent.workload;

import java.util.List;

/**
 * All that a source knew when it was asked.
 *
 * @param detail who answered, for people: {@code containerd 1.7.2 at /run/…}
 */
public record Answer(List<PodIdentity> pods, List<ContainerIdentity> containers, String detail) {
  /** More pods than any kubelet runs (110 by default, 500 at most in practice). */
  public static final int MAX_PODS = 4096;

  /** Ended ones included. */
  public static final int MAX_CONTAINERS = 16384;

  /** The longest name or id that is kept; Kubernetes allows 253. */
  public static final int MAX_NAME = 253;

  public Answer {
    pods = List.copyOf(pods);
    containers = List.copyOf(containers);
  }
}
