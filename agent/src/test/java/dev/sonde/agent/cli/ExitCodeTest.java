package dev.sonde.agent.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sonde.agent.config.Endpoint;
import dev.sonde.agent.doctor.StartFailure;
import java.util.List;
import org.junit.jupiter.api.Test;

class ExitCodeTest {
  @Test
  void everyFailureHasItsCode() {
    assertThat(ExitCode.of(new StartFailure.NotPrivileged(List.of("CAP_BPF"), 1)).code())
        .isEqualTo(3);
    assertThat(ExitCode.of(new StartFailure.NoBtf("f", "r")).code()).isEqualTo(3);
    assertThat(ExitCode.of(new StartFailure.NoLibbpf("f", "r")).code()).isEqualTo(3);
    assertThat(ExitCode.of(taken()).code()).isEqualTo(4);
    assertThat(ExitCode.of(new StartFailure.Broken("f", "r")).code()).isEqualTo(1);
    assertThat(ExitCode.OK.code()).isZero();
    assertThat(ExitCode.USAGE.code()).isEqualTo(2);
  }

  @Test
  void aTakenPortNamesTheFlagAndTheWayOut() {
    assertThat(taken().what())
        .isEqualTo("--listen 127.0.0.1:9520: the port is taken; is another sonde agent running?");
    assertThat(taken().remedy()).contains("ss -ltnp 'sport = :9520'", "--listen HOST:PORT");
  }

  private static StartFailure taken() {
    return new StartFailure.PortTaken("--listen", new Endpoint("127.0.0.1", 9520));
  }
}
