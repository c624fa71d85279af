package dev.sonde.agent.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class FileHandlesTest {
  @Test
  void saysWhatIsMissing() {
    assertThatThrownBy(() -> FileHandles.open(Path.of("/no/such/mount")))
        .isInstanceOf(IOException.class)
        .hasMessage("open /no/such/mount: ENOENT (No such file or directory)");
  }

  @Test
  void pathsAreBelowTheMount() {
    assertThat(FileHandles.below("/sys/fs/cgroup", "/sys/fs/cgroup/a/b")).isEqualTo("/a/b");
    assertThat(FileHandles.below("/sys/fs/cgroup", "/sys/fs/cgroup")).isEqualTo("/");
    assertThat(FileHandles.below("/sys/fs/cgroup", "/elsewhere")).isEqualTo("/elsewhere");
  }
}
