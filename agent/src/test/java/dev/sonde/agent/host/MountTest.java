package dev.sonde.agent.host;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class MountTest {
  @Test
  void readsEveryField() {
    assertThat(
            Mount.parse(
                "32 31 0:29 /a /sys/fs/cgroup/cpu rw,relatime shared:7 master:2 - cgroup cgroup"
                    + " rw,cpu,cpuacct\n"))
        .containsExactly(
            new Mount(
                "0:29", "/a", "/sys/fs/cgroup/cpu", "cgroup", List.of("rw", "cpu", "cpuacct")));
  }

  @Test
  void undoesTheKernelsEscapes() {
    assertThat(
            Mount.parse("1 2 0:1 / /mnt/a\\040b\\011c\\134d rw - tmpfs none rw").getFirst().point())
        .isEqualTo("/mnt/a b\tc\\d");
  }

  @Test
  void leavesAloneWhatIsNoEscape() {
    assertThat(Mount.unescape("a\\04")).isEqualTo("a\\04");
    assertThat(Mount.unescape("\\999")).isEqualTo("\\999");
    assertThat(Mount.unescape("\\777")).isEqualTo("\\777");
    assertThat(Mount.unescape("end\\")).isEqualTo("end\\");
  }

  @Test
  void leavesOutLinesItDoesNotUnderstand() {
    assertThat(Mount.parse("\n1 2 3\n1 2 0:1 / /mnt rw - tmpfs\n1 2 0:1 / /mnt rw shared:1\n"))
        .isEmpty();
  }
}
