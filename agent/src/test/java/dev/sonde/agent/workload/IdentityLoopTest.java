package dev.sonde.agent.workload;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sonde.exporter.model.Workload;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** When sources are asked, and what stays while they are not there. */
@Timeout(60)
class IdentityLoopTest {
  private static final String UID = "3fa2c1b4-9d0e-4c1f-8a77-0b5c6d7e8f90";
  private static final String ID = "5c".repeat(32);
  private static final String PATH = "/kubepods/burstable/pod" + UID + "/" + ID;
  private static final Workload NAMED = new Workload("shop", "web-0", "nginx", "", UID);

  @TempDir Path tree;
  private PodTable pods;
  private final Told source = new Told();
  private final AtomicInteger named = new AtomicInteger();
  private @Nullable IdentityLoop loop;

  /** Says what the test says. */
  private static final class Told implements IdentitySource {
    volatile boolean present = true;
    volatile boolean knows;
    volatile boolean fails;
    volatile @Nullable CountDownLatch hangs;
    final AtomicInteger asked = new AtomicInteger();

    @Override
    public String name() {
      return "told";
    }

    @Override
    public boolean present() {
      return present;
    }

    @Override
    public String absence() {
      return "not there";
    }

    @Override
    public Answer ask() throws SourceException {
      asked.incrementAndGet();
      CountDownLatch latch = hangs;
      if (latch != null) {
        try {
          latch.await();
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
        }
      }
      if (fails) {
        throw new SourceException("fails on purpose", "do not");
      }
      return knows
          ? new Answer(
              List.of(new PodIdentity(UID, List.of(), "shop", "web-0", Owner.NONE, Map.of(), 1)),
              List.of(new ContainerIdentity(ID, UID, "nginx", "i", 1)),
              "told")
          : new Answer(List.of(), List.of(), "told");
    }

    @Override
    public void close() {}
  }

  @BeforeEach
  void open() throws IOException {
    pods =
        new PodTable(
            new TreeResolver(tree, "a folder"), tree, Duration.ofMinutes(5), System::nanoTime);
  }

  @AfterEach
  void close() {
    if (loop != null) {
      loop.close();
    }
    pods.close();
  }

  private void start() {
    loop = new IdentityLoop(List.of(source), pods, Duration.ofMinutes(10), named::incrementAndGet);
    loop.start();
    await().untilAtomic(source.asked, org.hamcrest.Matchers.greaterThan(0));
  }

  private @Nullable Workload find() {
    pods.settle();
    return pods.find(77);
  }

  @Test
  void aMissingNameIsAskedForUntilItIsThere() {
    start();
    pods.made(77, PATH);
    assertThat(find()).isNull();
    int before = source.asked.get();
    await().untilAtomic(source.asked, org.hamcrest.Matchers.greaterThan(before + 1));
    source.knows = true;
    await().untilAsserted(() -> assertThat(find()).isEqualTo(NAMED));
    assertThat(named).hasPositiveValue();
  }

  @Test
  void nobodyIsAskedWhileNothingIsMissing() throws InterruptedException {
    source.knows = true;
    start();
    pods.made(77, PATH);
    await().untilAsserted(() -> assertThat(find()).isEqualTo(NAMED));
    for (int i = 100; i < 200; i++) {
      pods.made(i, "/system.slice/unit" + i + ".service");
      pods.made(1000 + i, PATH + "/inner" + i);
    }
    int before = source.asked.get();
    Thread.sleep(300); // what must not happen has no end to wait for
    assertThat(source.asked.get() - before).isLessThanOrEqualTo(1);
  }

  @Test
  void whatWasSaidLastStaysWhileItFailsAndWhileItIsGone() {
    source.knows = true;
    start();
    pods.made(77, PATH);
    await().untilAsserted(() -> assertThat(find()).isEqualTo(NAMED));
    source.fails = true;
    pods.made(78, PATH.replace(UID, "11111111-9d0e-4c1f-8a77-0b5c6d7e8f90"));
    await().untilAsserted(() -> assertThat(report().up()).isFalse());
    assertThat(report().detail()).isEqualTo("fails on purpose");
    assertThat(find()).isEqualTo(NAMED);
    source.present = false;
    await().untilAsserted(() -> assertThat(report().detail()).isEqualTo("not there"));
    assertThat(find()).isEqualTo(NAMED);
    source.present = true;
    source.fails = false;
    await().untilAsserted(() -> assertThat(report().up()).isTrue());
  }

  /** What is made while the runtime is restarted is not called by its ids meanwhile. */
  @Test
  void namesAreWaitedForWhileTheSourceIsAway() {
    start();
    source.present = false;
    await().untilAsserted(() -> assertThat(report().detail()).isEqualTo("not there"));
    pods.made(77, PATH);
    assertThat(find()).isNull();
    source.knows = true;
    source.present = true;
    await().untilAsserted(() -> assertThat(find()).isEqualTo(NAMED));
  }

  @Test
  void nobodyIsWaitedForWhoWasNeverThere() {
    source.present = false;
    loop = new IdentityLoop(List.of(source), pods, Duration.ofMinutes(10), named::incrementAndGet);
    loop.start();
    pods.made(77, PATH);
    assertThat(find()).isEqualTo(new Workload("", UID, ID, ""));
  }

  /** Whoever looks a name up, or tells of a cgroup, does not wait for a source that hangs. */
  @Test
  void aSourceThatHangsHoldsUpNobody() {
    CountDownLatch hang = new CountDownLatch(1);
    source.hangs = hang;
    start();
    for (int i = 0; i < 1000; i++) {
      pods.made(1000 + i, PATH.replace(ID, "%064x".formatted(i)));
      assertThat(pods.find(1000 + i)).isNull();
      assertThat(pods.workload(1000 + i).pod()).isEqualTo(UID);
    }
    pods.settle();
    assertThat(hang.getCount()).as("it still hangs").isEqualTo(1);
    source.hangs = null;
    hang.countDown();
  }

  private SourceReport report() {
    return loop == null ? SourceReport.cgroup("") : loop.reports().getFirst();
  }
}
