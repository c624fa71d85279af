package dev.sonde.agent.workload;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sonde.exporter.model.Workload;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Names that come late or never, and cgroups that are gone before anybody asks. */
class LateNamesTest {
  private static final String UID = "3fa2c1b4-9d0e-4c1f-8a77-0b5c6d7e8f90";
  private static final String LATER = "11111111-9d0e-4c1f-8a77-0b5c6d7e8f90";
  private static final String ID = "5c".repeat(32);
  private static final Duration STALE = Duration.ofMinutes(5);
  private static final Workload BY_PATH = new Workload("", UID, ID, "");
  private static final Workload NAMED = new Workload("shop", "web-0", "nginx", "", UID);

  private final AtomicLong nanos = new AtomicLong(1);
  private final AtomicInteger wanted = new AtomicInteger();

  /** Directories have ids and paths as cgroups do. */
  @TempDir Path tree;

  private PodTable pods;

  @BeforeEach
  void open() throws IOException {
    pods = new PodTable(new TreeResolver(tree, "a folder"), tree, STALE, nanos::get);
    pods.expectNames(true, wanted::incrementAndGet);
  }

  @AfterEach
  void close() {
    pods.close();
  }

  private long make(String uid, String id) throws IOException {
    return TestCgroup.id(Files.createDirectories(tree.resolve(path(uid, id).substring(1))));
  }

  private static String path(String uid, String id) {
    return "/kubepods/burstable/pod" + uid + "/" + id;
  }

  private void tell(String uid, long created) {
    PodIdentity pod =
        new PodIdentity(uid, List.of(), "shop", "web-0", Owner.NONE, Map.of(), created);
    ContainerIdentity c = new ContainerIdentity(ID, uid, "nginx", "i", created);
    pods.names(
        pods.told().updated(List.of(new Answer(List.of(pod), List.of(c), "t")), 0, 1L << 60));
    pods.settle();
  }

  private void pass(Duration time) {
    nanos.addAndGet(time.toNanos());
  }

  @Test
  void aNameIsWaitedForAndThenHolds() throws IOException {
    long id = make(UID, ID);
    assertThat(pods.find(id)).isNull();
    assertThat(wanted).hasValue(1);
    assertThat(pods.workload(id)).as("what cannot wait").isEqualTo(BY_PATH);
    assertThat(pods.find(id)).as("which changes nothing").isNull();
    assertThat(pods.waiting()).isEqualTo(1);
    tell(UID, 1);
    assertThat(pods.find(id)).isEqualTo(NAMED);
    assertThat(pods.waiting()).isZero();
  }

  @Test
  void afterTheDeadlineIdsStandInAndALaterNameHoldsFromThenOn() throws IOException {
    long id = make(UID, ID);
    assertThat(pods.find(id)).isNull();
    pass(PodTable.NAME_WAIT);
    assertThat(pods.find(id)).isEqualTo(BY_PATH);
    assertThat(pods.waiting()).isZero();
    tell(UID, 1);
    assertThat(pods.find(id)).isEqualTo(NAMED);
  }

  @Test
  void nothingIsWaitedForWhereNobodyKnowsNames() throws IOException {
    pods.expectNames(false, wanted::incrementAndGet);
    assertThat(pods.find(make(UID, ID))).isEqualTo(BY_PATH);
    assertThat(pods.find(make("x", "y"))).isEqualTo(Workload.unit("kubepods/burstable"));
  }

  /** It lived between two snapshots: the kernel told its path, the tree no longer has it. */
  @Test
  void aCgroupThatIsGoneHasTheNameOfItsPath() throws IOException {
    pods.toldOfCgroups();
    tell(UID, 1);
    pods.made(77, path(UID, ID));
    pods.removed(77);
    assertThat(pods.find(77)).isEqualTo(NAMED);
    assertThat(pods.known()).extracting(CgroupInfo::alive).containsExactly(false);
  }

  @Test
  void theWordThatItWasMadeMayComeAfterItsCounts() {
    pods.toldOfCgroups();
    tell(UID, 1);
    assertThat(pods.find(77)).as("gone, but its path may be on its way").isNull();
    pods.made(77, path(UID, ID));
    assertThat(pods.find(77)).isEqualTo(NAMED);
    assertThat(pods.find(78)).isNull();
    pass(Duration.ofSeconds(3));
    assertThat(pods.find(78)).as("it never came").isEqualTo(PodTable.GONE);
  }

  @Test
  void itsSlotIsKeptWhileItsNameIsWaitedFor() {
    pods.made(77, path(UID, ID));
    pods.removed(77);
    pass(STALE.plusSeconds(1));
    assertThat(pods.reclaimable(77)).as("its counts were shown to nobody").isFalse();
    assertThat(pods.find(77)).isEqualTo(BY_PATH);
    assertThat(pods.reclaimable(77)).isTrue();
  }

  @Test
  void whatNobodyAskedForIsForgottenSoonAndWhatWasIsNot() throws IOException {
    tell(UID, 1);
    pods.made(77, path(UID, ID));
    pods.made(78, path(UID, ID));
    assertThat(pods.find(77)).isEqualTo(NAMED);
    pods.removed(77);
    pods.removed(78);
    for (int i = 0; i < 3; i++) {
      pass(Duration.ofSeconds(20));
      pods.sweep();
    }
    assertThat(pods.known()).extracting(CgroupInfo::id).containsExactly(77L);
  }

  @Test
  void aPathThatWasCutShortIsAskedFor() throws IOException {
    long id = make(UID, ID);
    pods.made(id, "");
    tell(UID, 1);
    assertThat(pods.find(id)).isEqualTo(NAMED);
  }

  /** Old counts stay with the old pod; what it does from now on is the unit ~replaced's. */
  @Test
  void aLaterPodTakesTheName() throws IOException {
    long old = make(UID, ID);
    tell(UID, 1);
    assertThat(pods.find(old)).isEqualTo(NAMED);
    assertThat(pods.replaced(NAMED)).isFalse();
    String laterId = "77".repeat(32);
    long later = make(LATER, laterId);
    PodIdentity pod = new PodIdentity(LATER, List.of(), "shop", "web-0", Owner.NONE, Map.of(), 9);
    ContainerIdentity c = new ContainerIdentity(laterId, LATER, "nginx", "i", 9);
    pods.names(
        pods.told().updated(List.of(new Answer(List.of(pod), List.of(c), "t")), 0, 1L << 60));
    assertThat(pods.find(old)).as("not before the next snapshot begins").isEqualTo(NAMED);
    pods.settle();
    assertThat(pods.find(old)).isEqualTo(Identities.REPLACED);
    Workload now = new Workload("shop", "web-0", "nginx", "", LATER);
    assertThat(pods.find(later)).isEqualTo(now);
    assertThat(pods.replaced(NAMED)).isTrue();
    assertThat(pods.replaced(now)).isFalse();
  }

  /** What was remembered of a name holds for as long as the generation is the same. */
  @Test
  void theGenerationTellsWhenANameMayHaveChanged() throws IOException {
    long id = make(UID, ID);
    pass(Duration.ofSeconds(20));
    assertThat(pods.find(id)).isNull();
    pass(PodTable.NAME_WAIT);
    assertThat(pods.find(id)).isEqualTo(BY_PATH);
    long before = pods.generation();
    pods.settle();
    pods.sweep();
    assertThat(pods.find(id)).isEqualTo(BY_PATH);
    assertThat(pods.generation()).as("nothing was told").isEqualTo(before);
    tell(UID, 1);
    assertThat(pods.generation()).as("a name").isNotEqualTo(before);
    assertThat(pods.find(id)).isEqualTo(NAMED);
    long named = pods.generation();
    pods.removed(id);
    Files.delete(tree.resolve(path(UID, ID).substring(1)));
    for (int i = 0; i < 2; i++) {
      pass(STALE);
      pods.sweep();
    }
    assertThat(pods.find(id)).as("forgotten, after twice the time").isEqualTo(PodTable.GONE);
    assertThat(pods.generation()).as("whose it was is forgotten").isNotEqualTo(named);
  }

  /** With --stale-after 0 too: nothing was counted yet for what has no name. */
  @Test
  void whoWaitsForItsNameIsNotForgotten() throws IOException {
    try (PodTable hasty =
        new PodTable(new TreeResolver(tree, "a folder"), tree, Duration.ZERO, nanos::get)) {
      hasty.expectNames(true, () -> {});
      hasty.made(77, path(UID, ID));
      assertThat(hasty.find(77)).isNull();
      hasty.removed(77);
      for (int i = 0; i < 3; i++) {
        pass(PodTable.NAME_WAIT);
        hasty.sweep();
      }
      assertThat(hasty.find(77)).as("not ~gone").isEqualTo(BY_PATH);
      assertThat(hasty.reclaimable(77)).isTrue();
    }
  }

  @Test
  void aPodLivesWhileAnyOfItsContainersDoes() throws IOException {
    tell(UID, 1);
    long id = make(UID, ID);
    assertThat(pods.find(id)).isEqualTo(NAMED);
    pods.sweep();
    assertThat(pods.podLives(NAMED)).isTrue();
    Files.delete(tree.resolve(path(UID, ID).substring(1)));
    pods.sweep();
    assertThat(pods.podLives(NAMED)).isFalse();
  }
}
