package dev.sonde.agent.workload;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sonde.agent.workload.CgroupHierarchy.Kind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CgroupHierarchyTest {
  private static final String V2 =
      "30 23 0:26 / /sys/fs/cgroup rw shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";
  private static final String V1_CPU =
      "40 32 0:36 / /sys/fs/cgroup/cpu,cpuacct rw shared:16 - cgroup cgroup rw,cpu,cpuacct\n";
  private static final String V1_SYSTEMD =
      "33 32 0:29 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd\n";
  private static final String UNIFIED =
      "34 32 0:28 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";

  @TempDir Path dir;

  private CgroupHierarchy detect(String mountinfo) throws IOException {
    return CgroupHierarchy.detect(Files.writeString(dir.resolve("mountinfo"), mountinfo), null);
  }

  @Test
  void pureV2() throws IOException {
    CgroupHierarchy h = detect("22 1 8:1 / / rw - ext4 /dev/sda rw\n" + V2);
    assertThat(h)
        .isEqualTo(new CgroupHierarchy(Kind.V2, Path.of("/sys/fs/cgroup"), "/", "/", false));
  }

  @Test
  void pureV1() throws IOException {
    CgroupHierarchy h = detect(V1_SYSTEMD + V1_CPU);
    assertThat(h)
        .isEqualTo(
            new CgroupHierarchy(Kind.V1, Path.of("/sys/fs/cgroup/cpu,cpuacct"), "/", "/", true));
  }

  @Test
  void hybridUsesTheCpuController() throws IOException {
    CgroupHierarchy h = detect(UNIFIED + V1_SYSTEMD + V1_CPU);
    assertThat(h.kind()).isEqualTo(Kind.HYBRID);
    assertThat(h.mount()).isEqualTo(Path.of("/sys/fs/cgroup/cpu,cpuacct"));
    assertThat(h.idsFromV1()).isTrue();
  }

  @Test
  void hybridWithAllControllersOnV2UsesV2() throws IOException {
    CgroupHierarchy h = detect(UNIFIED + V1_SYSTEMD);
    assertThat(h.kind()).isEqualTo(Kind.HYBRID);
    assertThat(h.mount()).isEqualTo(Path.of("/sys/fs/cgroup/unified"));
    assertThat(h.idsFromV1()).isFalse();
  }

  @Test
  void theHostsTreeBeatsTheContainersOwnCgroup() throws IOException {
    CgroupHierarchy h =
        detect(V2 + "50 23 0:26 /../../.. /host\\040fs/cgroup ro - cgroup2 cgroup2 rw\n");
    assertThat(h.mount()).isEqualTo(Path.of("/host fs/cgroup"));
    assertThat(h.mountRoot()).isEqualTo("/../../..");
  }

  @Test
  void cgroupRootNarrowsTheSearch() throws IOException {
    Path root = Files.createDirectories(dir.resolve("host/cgroup"));
    String host = "50 23 0:99 / " + root + " ro - cgroup2 cgroup2 rw\n";
    Path mountinfo = Files.writeString(dir.resolve("mountinfo"), V2 + host);
    assertThat(CgroupHierarchy.detect(mountinfo, root).mount()).isEqualTo(root);
    assertThat(CgroupHierarchy.detect(mountinfo, dir).mount()).isEqualTo(root);
    assertThat(CgroupHierarchy.detect(mountinfo, null).mount())
        .isEqualTo(Path.of("/sys/fs/cgroup"));
  }

  @Test
  void noHierarchyIsAnErrorThatSaysWhatToDo() {
    assertThatThrownBy(() -> detect(V1_SYSTEMD))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("no cgroup hierarchy")
        .hasMessageContaining("--cgroup-root");
    assertThatThrownBy(
            () -> CgroupHierarchy.detect(Path.of("/proc/self/mountinfo"), dir.resolve("nowhere")))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("--cgroup-root")
        .hasMessageContaining("nowhere");
    assertThatThrownBy(() -> CgroupHierarchy.detect(Path.of("/proc/self/mountinfo"), dir))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("at or below " + dir);
  }

  @Test
  void picksItsOwnLineOfProcCgroup() {
    String proc =
        "9:name=systemd:/s\n4:cpuset:/no\n3:cpu,cpuacct:/kubepods/a:b\n0::/v2 (deleted)\n";
    assertThat(hierarchy("/", true).pathIn(proc)).isEqualTo("/kubepods/a:b");
    assertThat(hierarchy("/", false).pathIn(proc)).isEqualTo("/v2");
    assertThat(hierarchy("/", true).pathIn("0::/v2\n")).isNull();
    assertThat(hierarchy("/", true).pathIn("nonsense")).isNull();
  }

  @Test
  void pathsRelativeToACgroupNamespaceAreMadeWhole() {
    CgroupHierarchy h = hierarchy("/kubepods/burstable/podA/1", false);
    assertThat(h.pathIn("0::/../../podB/2\n")).isEqualTo("/kubepods/burstable/podB/2");
    assertThat(h.pathIn("0::/\n")).isEqualTo("/kubepods/burstable/podA/1");
    assertThat(h.pathIn("0::/../../../../../../x\n")).isEqualTo("/x");
  }

  private static CgroupHierarchy hierarchy(String namespaceRoot, boolean v1) {
    return new CgroupHierarchy(Kind.HYBRID, Path.of("/sys/fs/cgroup"), "/", namespaceRoot, v1);
  }
}
