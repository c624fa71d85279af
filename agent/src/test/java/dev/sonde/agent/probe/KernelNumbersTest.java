package dev.sonde.agent.probe;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Numbers of the kernel side as labels; a number this build does not know is no failure. */
class KernelNumbersTest {
  @Test
  void retransmitTypesHaveTheProgramsNumbers() {
    String source = Repository.read("bpf-programs/include/tcp_stats.h");
    for (RetransmitType type : RetransmitType.values()) {
      Matcher m = Pattern.compile("RETRANSMIT_" + type.name() + " = (\\d+)").matcher(source);
      assertThat(m.find()).as("%s in tcp_stats.h", type).isTrue();
      assertThat(type.number()).as("%s", type).isEqualTo(Integer.parseInt(m.group(1)));
      assertThat(RetransmitType.label(type.number())).isEqualTo(type.label());
    }
    assertThat(RetransmitType.TAIL_LOSS_PROBE.label()).isEqualTo("tail_loss_probe");
  }

  @ParameterizedTest
  @ValueSource(ints = {-1, 5, 255, Integer.MIN_VALUE, Integer.MAX_VALUE})
  void unknownRetransmitTypeSaysSo(int number) {
    assertThat(RetransmitType.label(number)).isEqualTo("unknown");
  }

  /** include/net/tcp_states.h */
  @Test
  void tcpStatesAreTheKernels() {
    assertThat(TcpState.label(1)).isEqualTo("established");
    assertThat(TcpState.label(2)).isEqualTo("syn-sent");
    assertThat(TcpState.label(7)).isEqualTo("closed");
    assertThat(TcpState.label(10)).isEqualTo("listening");
    assertThat(TcpState.label(12)).isEqualTo("new-syn-recv");
  }

  @ParameterizedTest
  @ValueSource(ints = {-1, 0, 13, 255, Integer.MIN_VALUE, Integer.MAX_VALUE})
  void unknownTcpStateSaysSo(int number) {
    assertThat(TcpState.label(number)).isEqualTo("unknown");
  }
}
