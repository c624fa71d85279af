package dev.sonde.agent.workload;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import dev.sonde.exporter.model.Workload;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Real cgroups on this host, by both ways of resolving. Needs root. */
class PodTableIT {
  private static final String UID = "3fa2c1b4-9d0e-4c1f-8a77-0b5c6d7e8f90";
  private static final String ID =
      "5c9f0e1d2c3b4a59687716253443526170ffeeddccbbaa998877665544332211";
  private static final String CONTAINER = "kubepods/burstable/pod" + UID + "/" + ID;
  private static final Duration STALE = Duration.ofSeconds(10);

  private final AtomicLong nanos = new AtomicLong(1);
  private TestCgroup cgroups;

  @BeforeEach
  void make() throws IOException {
    cgroups = TestCgroup.create();
  }

  @AfterEach
  void remove() throws IOException {
    cgroups.close();
  }

  private PodTable table(String mechanism) throws IOException {
    Path mount = cgroups.hierarchy().mount();
    CgroupResolver resolver =
        switch (mechanism) {
          case "handle" -> new HandleResolver(mount);
          case "tree" -> new TreeResolver(mount, "asked for");
          default -> throw new IllegalArgumentException(mechanism);
        };
    return new PodTable(resolver, mount, STALE, nanos::get);
  }

  private static boolean exists(PodTable pods, long id) {
    return pods.known().stream().anyMatch(c -> c.id() == id && c.alive());
  }

  @Test
  void rootUsesHandles() throws IOException {
    try (PodTable pods = PodTable.open(cgroups.hierarchy(), STALE)) {
      assertThat(pods.mechanism()).isEqualTo("handle");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"handle", "tree"})
  void namesCgroupsByTheirIds(String mechanism) throws IOException {
    try (PodTable pods = table(mechanism)) {
      // Made after the table was opened, as pods are.
      long container = TestCgroup.id(cgroups.make(CONTAINER));
      long nested = TestCgroup.id(cgroups.make(CONTAINER + "/init.scope"));
      long service = TestCgroup.id(cgroups.make("system.slice/web.service"));
      long root = TestCgroup.id(cgroups.hierarchy().mount());

      Workload pod = new Workload("", UID, ID, "");
      assertThat(pods.workload(container)).isEqualTo(pod);
      assertThat(pods.workload(nested)).isEqualTo(pod);
      assertThat(pods.workload(service)).isEqualTo(Workload.unit("web.service"));
      assertThat(pods.workload(root)).isEqualTo(Workload.unit("/"));
      assertThat(pods.workload(PodTable.KERNEL_ID)).isEqualTo(PodTable.KERNEL);
      assertThat(pods.workload(PodTable.OTHER_ID)).isEqualTo(Workload.OTHER);
      assertThat(pods.workload(container)).isSameAs(pods.workload(container));
      assertThat(pods.known()).extracting(CgroupInfo::id).contains(container, nested, service);
      assertThat(pods.all())
          .filteredOn(c -> c.id() == container)
          .containsExactly(new CgroupInfo(container, cgroups.path(CONTAINER), pod, null));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"handle", "tree"})
  void keepsTheNameOfARemovedCgroupForAWhile(String mechanism) throws IOException {
    try (PodTable pods = table(mechanism)) {
      Path dir = cgroups.make(CONTAINER);
      long id = TestCgroup.id(dir);
      Workload pod = pods.workload(id);
      assertThat(pods.sweep()).isZero();
      assertThat(exists(pods, id)).isTrue();

      Files.delete(dir);
      assertThat(pods.sweep()).isEqualTo(1);
      assertThat(exists(pods, id)).isFalse();
      assertThat(pods.reclaimable(id)).isFalse();
      assertThat(pods.sweep()).as("noticed once only").isZero();

      nanos.addAndGet(STALE.toNanos());
      pods.sweep();
      assertThat(pods.reclaimable(id)).isTrue();
      assertThat(pods.workload(id)).as("still named").isEqualTo(pod);
      assertThat(pods.known())
          .filteredOn(c -> c.id() == id)
          .containsExactly(new CgroupInfo(id, cgroups.path(CONTAINER), pod, STALE));

      nanos.addAndGet(STALE.toNanos());
      pods.sweep();
      assertThat(pods.known()).noneMatch(c -> c.id() == id);
      assertThat(pods.reclaimable(id)).as("unknown, so never").isFalse();
      assertThat(pods.workload(id)).isEqualTo(PodTable.GONE);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"handle", "tree"})
  void anIdNobodyAskedForInTimeIsGone(String mechanism) throws IOException {
    try (PodTable pods = table(mechanism)) {
      Path dir = cgroups.make("system.slice/short.service");
      long id = TestCgroup.id(dir);
      Files.delete(dir);

      assertThat(pods.workload(id)).isEqualTo(PodTable.GONE);
      assertThat(exists(pods, id)).isFalse();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"handle", "tree"})
  void manyCgroupsComeAndGo(String mechanism) throws IOException {
    try (PodTable pods = table(mechanism)) {
      Path[] dirs = new Path[600];
      long[] ids = new long[dirs.length];
      for (int i = 0; i < dirs.length; i++) {
        dirs[i] = cgroups.make("many/unit" + i + ".service");
        ids[i] = TestCgroup.id(dirs[i]);
      }
      for (int i = 0; i < ids.length; i++) {
        assertThat(pods.workload(ids[i])).isEqualTo(Workload.unit("unit" + i + ".service"));
      }
      for (int i = 0; i < dirs.length; i += 2) {
        Files.delete(dirs[i]);
      }
      assertThat(pods.sweep()).isEqualTo(dirs.length / 2);
      for (int i = 0; i < ids.length; i++) {
        assertThat(exists(pods, ids[i])).isEqualTo(i % 2 == 1);
        assertThat(pods.workload(ids[i])).isEqualTo(Workload.unit("unit" + i + ".service"));
      }
    }
  }

  @Test
  void whatCannotBeToldNowIsToldLater() throws IOException {
    PodTable pods = table("handle");
    long known = TestCgroup.id(cgroups.make(CONTAINER));
    long unknown = TestCgroup.id(cgroups.make("system.slice/web.service"));
    Workload pod = pods.workload(known);
    pods.close();
    assertThat(pods.find(known)).isEqualTo(pod);
    assertThat(pods.find(unknown)).isNull();
    assertThat(pods.workload(unknown)).isEqualTo(PodTable.GONE);
    assertThat(pods.known()).noneMatch(c -> c.id() == unknown);
  }

  @Test
  void aHitAllocatesNothing() throws IOException {
    try (PodTable pods = table("handle")) {
      long id = TestCgroup.id(cgroups.make(CONTAINER));
      Workload pod = pods.workload(id);
      ThreadMXBean threads =
          (com.sun.management.ThreadMXBean)
              java.lang.management.ManagementFactory.getThreadMXBean();
      long before = threads.getCurrentThreadAllocatedBytes();
      int same = 0;
      for (int i = 0; i < 100_000; i++) {
        same += pods.workload(id).equals(pod) ? 1 : 0;
      }
      long bytes = threads.getCurrentThreadAllocatedBytes() - before;
      assertThat(same).isEqualTo(100_000);
      assertThat(bytes).as("bytes for 100,000 hits").isLessThan(10_000);
    }
  }
}
