package dev.sonde.agent.workload;

/**
 * How a source of names stands.
 *
 * @param source {@code cri}, {@code kubelet} or {@code cgroup}
 * @param up whether its last answer came and was believed
 * @param detail who answers and with how much, or why not
 * @param remedy what to do about it; empty where nothing needs to be done
 * @param wanted false if it is merely not configured or not there
 */
public record SourceReport(
    String source, boolean up, String detail, String remedy, boolean wanted) {
  /** The names that the paths alone give: always there. */
  public static SourceReport cgroup(String mechanism) {
    return new SourceReport(
        "cgroup", true, "pod UIDs and container ids, by " + mechanism, "", true);
  }
}
