package dev.sonde.agent.workload;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sonde.agent.config.PodLabels;
import dev.sonde.agent.pipeline.SnapshotBuilder;
import dev.sonde.exporter.model.Histogram;
import dev.sonde.exporter.model.Metric;
import dev.sonde.exporter.model.Workload;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Who has a series that says who it is, and until when. */
class IdentitySeriesTest {
  private static final String UID = "3fa2c1b4-9d0e-4c1f-8a77-0b5c6d7e8f90";
  private static final String LATER = "11111111-9d0e-4c1f-8a77-0b5c6d7e8f90";
  private static final String ID = "5c".repeat(32);
  private static final Duration STALE = Duration.ofMinutes(5);
  private static final Duration KEPT = Duration.ofMinutes(20);

  private final AtomicLong nanos = new AtomicLong(1);

  @TempDir Path tree;
  private PodTable pods;
  private IdentitySeries series;

  /** Names, owners and labels of what was said. */
  private static final class Said implements SnapshotBuilder {
    final List<String> series = new ArrayList<>();

    @Override
    public void add(Metric metric, Workload owner, double value, String... more) {
      assertThat(value).isEqualTo(1);
      series.add(
          "%s %s %s%s"
              .formatted(metric.name(), owner.pod(), owner.container(), Arrays.asList(more)));
    }

    @Override
    public void add(Metric metric, Workload owner, Histogram value, String... more) {
      throw new AssertionError(metric);
    }

    @Override
    public void addOwn(Metric metric, double value, String... labels) {
      series.add(metric.name() + " " + value + Arrays.asList(labels));
    }
  }

  @BeforeEach
  void open() throws IOException {
    pods = new PodTable(new TreeResolver(tree, "a folder"), tree, STALE, nanos::get);
    series =
        new IdentitySeries(
            pods,
            PodLabels.of(List.of("app", "tier")),
            () -> List.of(new SourceReport("cri", false, "away", "", true)));
  }

  @AfterEach
  void close() {
    pods.close();
  }

  private static PodIdentity pod(String uid, long created) {
    return new PodIdentity(
        uid,
        List.of(),
        "shop",
        "web-0",
        new Owner("StatefulSet", "web"),
        Map.of("app", "web"),
        created);
  }

  private void tell(List<PodIdentity> told, ContainerIdentity... containers) {
    Answer answer = new Answer(told, List.of(containers), "t");
    pods.names(pods.told().updated(List.of(answer), nanos.get(), KEPT.toNanos()));
    pods.settle();
  }

  private List<String> said() {
    Said out = new Said();
    series.collect(out);
    return out.series;
  }

  private void pass(Duration time) {
    nanos.addAndGet(time.toNanos());
  }

  @Test
  void aPodAContainerAndTheSourcesHaveASeries() {
    tell(
        List.of(pod(UID, 1)),
        new ContainerIdentity(ID, UID, "nginx", "nginx:1", 1),
        new ContainerIdentity("aa", UID, "", "", 1));
    assertThat(said())
        .containsExactly(
            "sonde_source_up 0.0[source, cri]",
            "sonde_pod_info web-0 [uid, "
                + UID
                + ", owner_kind, StatefulSet, owner_name, web, label_app, web, label_tier, ]",
            "sonde_container_info web-0 nginx[container_id, " + ID + ", image, nginx:1]");
  }

  @Test
  void whatIsNotMentionedAnyMoreEndsAfterAWhile() {
    tell(List.of(pod(UID, 1)), new ContainerIdentity(ID, UID, "nginx", "nginx:1", 1));
    pass(STALE.minusSeconds(1));
    tell(List.of());
    assertThat(said()).hasSize(3);
    pass(Duration.ofSeconds(1));
    tell(List.of());
    assertThat(said()).hasSize(1);
  }

  @Test
  void aContainerThatWasReplacedEndsBeforeItsPod() {
    tell(List.of(pod(UID, 1)), new ContainerIdentity(ID, UID, "init", "i:1", 1));
    pass(STALE);
    tell(List.of(pod(UID, 1)));
    assertThat(said()).hasSize(2).noneMatch(s -> s.contains("init"));
  }

  /** Nobody is heard while the sources are away: nothing ends. */
  @Test
  void aPodThatLivesStays() throws IOException {
    Path cgroup = Files.createDirectories(tree.resolve("kubepods/burstable/pod" + UID + "/" + ID));
    tell(List.of(pod(UID, 1)), new ContainerIdentity(ID, UID, "nginx", "nginx:1", 1));
    assertThat(pods.find(TestCgroup.id(cgroup))).isNotNull();
    pods.sweep();
    pass(STALE.multipliedBy(2));
    assertThat(said()).as("not asked since").hasSize(3);
    tell(List.of());
    assertThat(said()).as("its cgroup is there").hasSize(2);
    Files.delete(cgroup);
    pods.sweep();
    assertThat(said()).hasSize(1);
  }

  @Test
  void ofTwoPodsOfOneNameTheLaterHasIt() {
    tell(List.of(pod(UID, 1), pod(LATER, 2)), new ContainerIdentity(ID, UID, "nginx", "i", 1));
    assertThat(said()).hasSize(2).element(1).asString().contains(LATER);
  }
}
