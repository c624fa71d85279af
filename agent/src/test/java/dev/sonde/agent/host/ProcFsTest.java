package dev.sonde.agent.host;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class ProcFsTest {
  private final ProcFs proc = ProcFs.host();
  private final int self = (int) ProcessHandle.current().pid();

  @Test
  void knowsThisProcess() {
    assertThat(proc.pids()).contains(self);
    assertThat(proc.startTime(self)).isPositive();
    assertThat(proc.executable(self)).endsWith("/java");
    assertThat(proc.innermostPid(self)).isPositive();
    assertThat(proc.cgroup(self)).contains(":/");
    assertThat(proc.text(self, "maps", 100)).hasSize(100);
  }

  @Test
  void whatIsGoneIsNoError() {
    ProcFs nowhere = new ProcFs(Path.of("/nowhere"));
    assertThat(nowhere.pids()).isEmpty();
    assertThat(nowhere.startTime(1)).isEqualTo(-1);
    assertThat(nowhere.executable(1)).isNull();
    assertThat(nowhere.innermostPid(1)).isEqualTo(-1);
    assertThat(nowhere.cgroup(1)).isNull();
  }

  @Test
  void aCommandMayHoldAnything() {
    String fields = " S 1 1 1 0 -1 4194560 1 1 1 1 1 1 1 1 20 0 1 0 4711 1 1";
    assertThat(ProcFs.startTime("12 (a) S 9 (b))" + fields)).isEqualTo(4711);
    assertThat(ProcFs.startTime("12 (short)")).isEqualTo(-1);
    assertThat(ProcFs.startTime("")).isEqualTo(-1);
  }
}
