package dev.sonde.ffi;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class VerifierLogTest {
  private static String lines(int count) {
    return IntStream.range(0, count).mapToObj(i -> "line " + i).collect(Collectors.joining("\n"));
  }

  @Test
  void aShortLogIsWhole() {
    assertThat(VerifierLog.summary(lines(2) + "\n\n")).isEqualTo("  line 0\n  line 1");
  }

  @Test
  void aLongLogKeepsItsEndAndSaysHowMuchIsMissing() {
    assertThat(VerifierLog.summary(lines(100)))
        .startsWith("  (94 lines omitted)\n  line 94\n")
        .endsWith("  line 99");
    assertThat(VerifierLog.summary(lines(7))).startsWith("  (1 line omitted)\n  line 1\n");
  }

  @Test
  void theClosingStatisticsAreNoReason() {
    String log =
        """
        R0 invalid mem access 'scalar'
        verification time 90 usec
        stack depth 8
        processed 9 insns (limit 1000000) max_states_per_insn 0 total_states 0
        """;
    assertThat(VerifierLog.summary(log)).isEqualTo("  R0 invalid mem access 'scalar'");
  }

  @Test
  void theMessageHoldsTheReasonTheHintAndTheLog() {
    BpfException failure = new BpfException("load program p", Errno.EACCES, "rebuild it", "bad\n");
    assertThat(failure).hasMessage("load program p: EACCES (Permission denied); rebuild it\n  bad");
    assertThat(failure.errno()).isEqualTo(Errno.EACCES);
    assertThat(failure.verifierLog()).isEqualTo("bad\n");
    assertThat(new BpfException("attach x to y", Errno.EPERM, ""))
        .hasMessage("attach x to y: EPERM (Operation not permitted)");
  }
}
