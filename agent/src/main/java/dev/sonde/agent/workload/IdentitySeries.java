package dev.sonde.agent.workload;

import dev.sonde.agent.config.PodLabels;
import dev.sonde.agent.pipeline.SnapshotBuilder;
import dev.sonde.agent.pipeline.Source;
import dev.sonde.exporter.model.Metric;
import dev.sonde.exporter.model.Workload;
import java.util.List;
import java.util.function.Supplier;

/**
 * The series that say who is who, to join others with: one a pod, one a container, and how each
 * source of names stands.
 *
 * <p>Of several pods or containers with one name only the one that holds it has a series: a join
 * must find one. Owned by the snapshot thread; waits for nobody.
 */
public final class IdentitySeries implements Source {
  static final Metric POD_INFO =
      Metric.gauge("sonde_pod_info", "1 for each pod whose name is known: its UID and owner.");
  static final Metric CONTAINER_INFO =
      Metric.gauge(
          "sonde_container_info", "1 for each container whose name is known: its id and image.");
  static final Metric SOURCE_UP =
      Metric.gauge("sonde_source_up", "1 if that source of names answered when last asked.");

  private final PodTable pods;
  private final PodLabels labels;
  private final Supplier<List<SourceReport>> reports;

  /**
   * @param labels which of a pod's labels are shown
   */
  public IdentitySeries(PodTable pods, PodLabels labels, Supplier<List<SourceReport>> reports) {
    this.pods = pods;
    this.labels = labels;
    this.reports = reports;
  }

  @Override
  public void collect(SnapshotBuilder out) {
    for (SourceReport report : reports.get()) {
      out.addOwn(SOURCE_UP, report.up() ? 1 : 0, "source", report.source());
    }
    Identities known = pods.identities();
    long stale = pods.staleNanos();
    for (PodIdentity pod : known.pods()) {
      if (isShown(known, pod, stale)) {
        out.add(POD_INFO, workload(pod, ""), 1, podLabels(pod));
      }
    }
    for (ContainerIdentity container : known.containers()) {
      PodIdentity pod = known.holder(container.podUid());
      if (pod != null
          && !container.name().isEmpty()
          && known.isTold(container, stale)
          && isShown(known, pod, stale)) {
        out.add(
            CONTAINER_INFO,
            workload(pod, container.name()),
            1,
            "container_id",
            container.id(),
            "image",
            container.image());
      }
    }
  }

  /** For {@code --stale-after} more after nobody mentions it and its cgroups are gone. */
  private boolean isShown(Identities known, PodIdentity pod, long stale) {
    return known.isTold(pod, stale) || pods.podLives(workload(pod, ""));
  }

  private static Workload workload(PodIdentity pod, String container) {
    return new Workload(pod.namespace(), pod.name(), container, "", pod.uid());
  }

  private String[] podLabels(PodIdentity pod) {
    List<PodLabels.Label> shown = labels.labels();
    String[] more = new String[6 + 2 * shown.size()];
    more[0] = "uid";
    more[1] = pod.uid();
    more[2] = "owner_kind";
    more[3] = pod.owner().kind();
    more[4] = "owner_name";
    more[5] = pod.owner().name();
    for (int i = 0; i < shown.size(); i++) {
      more[6 + 2 * i] = shown.get(i).exposed();
      more[7 + 2 * i] = pod.labels().getOrDefault(shown.get(i).kubernetes(), "");
    }
    return more;
  }
}
