package dev.sonde.agent.workload;

import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Who made a pod, as people know it: the Deployment rather than its ReplicaSet, the CronJob rather
 * than its Job.
 *
 * {@snippet :
 * Owner.fromLabels("web-7d4b9c6f5d-x2x4z", Map.of("pod-template-hash", "7d4b9c6f5d"), created);
 * // Deployment web
 * }
 *
 * <p>A container runtime knows the pod's labels, not its owner references: the owner is worked out
 * of the labels that the controllers set and the names they generate. What does not fit both is
 * left out rather than guessed. Pure, any thread.
 *
 * <p>Source of the definition: the controllers of Kubernetes (deployment_util, job_controller,
 * cronjob utils, stateful_set_utils, daemon controller) and its name generator: at most 58 bytes of
 * the base, then five random characters.
 *
 * @param kind {@code Deployment}, {@code CronJob}, {@code Job}, {@code StatefulSet}, {@code
 *     DaemonSet}, {@code ReplicaSet}, {@code Node} …; empty if none
 */
public record Owner(String kind, String name) {
  public static final Owner NONE = new Owner("", "");

  /** What the API server appends to a generated name. */
  private static final Pattern RANDOM = Pattern.compile("(.+)-[bcdfghjklmnpqrstvwxz2456789]{5}");

  /** A CronJob's Job: the minutes since 1970 of its schedule. */
  private static final Pattern SCHEDULED = Pattern.compile("(.+)-([0-9]{8,9})");

  private static final Pattern ORDINAL = Pattern.compile("(.+)-[0-9]{1,9}");

  /** A Job may start late, by its startingDeadlineSeconds or a node that was not there. */
  private static final Duration LATEST = Duration.ofDays(7);

  private static final Duration CLOCK_SKEW = Duration.ofHours(1);

  /** The labels by which the owner is found; whoever reads labels must keep these. */
  public static final java.util.Set<String> LABELS =
      java.util.Set.of(
          "pod-template-hash",
          "rollouts-pod-template-hash",
          "batch.kubernetes.io/job-name",
          "job-name",
          "statefulset.kubernetes.io/pod-name",
          "controller-revision-hash",
          "pod-template-generation");

  /**
   * @param created when the pod was made
   */
  public static Owner fromLabels(String pod, Map<String, String> labels, Instant created) {
    String hash = labels.get("pod-template-hash");
    if (hash != null) {
      return template("Deployment", hash, pod);
    }
    String rollout = labels.get("rollouts-pod-template-hash");
    if (rollout != null) {
      return template("Rollout", rollout, pod);
    }
    String job = labels.getOrDefault("batch.kubernetes.io/job-name", labels.get("job-name"));
    if (job != null) {
      return job(job, created);
    }
    if (pod.equals(labels.get("statefulset.kubernetes.io/pod-name"))) {
      Matcher m = ORDINAL.matcher(pod);
      return m.matches() ? new Owner("StatefulSet", m.group(1)) : NONE;
    }
    if (labels.containsKey("controller-revision-hash")
        && labels.containsKey("pod-template-generation")) {
      Matcher m = RANDOM.matcher(pod);
      return m.matches() ? new Owner("DaemonSet", m.group(1)) : NONE;
    }
    return NONE;
  }

  /**
   * What stands behind the controller that the API server names: a ReplicaSet's Deployment, a Job's
   * CronJob.
   */
  public static Owner behind(
      String kind, String name, Map<String, String> labels, Instant created) {
    String hash =
        labels.getOrDefault("pod-template-hash", labels.get("rollouts-pod-template-hash"));
    if (kind.equals("ReplicaSet") && hash != null && name.endsWith("-" + hash)) {
      String above = labels.containsKey("pod-template-hash") ? "Deployment" : "Rollout";
      return new Owner(above, name.substring(0, name.length() - hash.length() - 1));
    }
    return kind.equals("Job") ? job(name, created) : new Owner(kind, name);
  }

  /** A static pod is its node's. */
  static Owner node(String name) {
    return new Owner("Node", name);
  }

  private static Owner template(String kind, String hash, String pod) {
    Matcher m = RANDOM.matcher(pod);
    String set = m.matches() ? m.group(1) : "";
    String end = "-" + hash;
    // A name too long for its hash was cut: what it began with cannot be told.
    return set.endsWith(end) && set.length() > end.length() && !hash.isEmpty()
        ? new Owner(kind, set.substring(0, set.length() - end.length()))
        : NONE;
  }

  private static Owner job(String name, Instant created) {
    if (name.isEmpty()) {
      return NONE;
    }
    Matcher m = SCHEDULED.matcher(name);
    if (m.matches()) {
      Duration late =
          Duration.between(Instant.ofEpochSecond(Long.parseLong(m.group(2)) * 60), created);
      if (late.compareTo(CLOCK_SKEW.negated()) >= 0 && late.compareTo(LATEST) <= 0) {
        return new Owner("CronJob", m.group(1));
      }
    }
    return new Owner("Job", name);
  }
}
