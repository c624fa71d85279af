package dev.sonde.agent.guest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sonde.agent.guest.Result.Status;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.opentest4j.TestAbortedException;

/** What a build makes of a guest that ran, died, or could not be had. */
class GuestsReportTest {
  private static final List<Class<?>> TESTS = List.of(BootGuest.class);
  private static final String NAME = BootGuest.class.getName();

  @TempDir Path log;

  private List<DynamicTest> report(int exit, boolean matrix, Result... results) {
    GuestRun run = new GuestRun(Boot.ALL.getFirst(), exit, List.of(results), log);
    return GuestsIT.report(run, TESTS, matrix).toList();
  }

  private static Result result(Status status, String message) {
    return new Result(NAME, "kernelOfTheSeries()", status, 1, message);
  }

  @Test
  void aKernelThatCannotBeHadFailsTheMatrix() throws IOException {
    Files.writeString(log.resolve("vmtest.log"), "no such file in the archive");
    List<DynamicTest> tests = report(GuestRun.UNAVAILABLE, true);
    assertThat(tests).hasSize(1);
    assertThatThrownBy(tests.getFirst().getExecutable()::execute)
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("cannot be downloaded")
        .hasMessageContaining("no such file in the archive");
  }

  @Test
  void andIsSkippedLoudlyElsewhere() throws IOException {
    Files.writeString(log.resolve("vmtest.log"), "no such file in the archive");
    List<DynamicTest> tests = report(GuestRun.UNAVAILABLE, false);
    assertThat(tests).hasSize(1);
    PrintStream before = System.out;
    ByteArrayOutputStream said = new ByteArrayOutputStream();
    System.setOut(new PrintStream(said, true, StandardCharsets.UTF_8));
    try {
      assertThatThrownBy(tests.getFirst().getExecutable()::execute)
          .isInstanceOf(TestAbortedException.class)
          .hasMessageContaining("cannot be downloaded");
    } finally {
      System.setOut(before);
    }
    // what tools/lib.sh shows of a build
    assertThat(said.toString(StandardCharsets.UTF_8))
        .startsWith("[WARNING] SKIPPED kernel ")
        .contains("no such file in the archive");
  }

  @Test
  void whatPassedPassesAndWhatFailedFails() {
    assertThat(report(0, true, result(Status.PASSED, "")))
        .hasSize(2)
        .allSatisfy(t -> assertThatCode(t.getExecutable()::execute).doesNotThrowAnyException());
    assertThatThrownBy(
            report(0, true, result(Status.FAILED, "1 of 2")).getFirst().getExecutable()::execute)
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("1 of 2");
    assertThatThrownBy(
            report(0, true, result(Status.SKIPPED, "why")).getFirst().getExecutable()::execute)
        .isInstanceOf(TestAbortedException.class)
        .hasMessageContaining("why");
  }

  @Test
  void aGuestThatDiesFailsAlsoWithoutALineOfAnyTest() {
    assertThat(report(125, false))
        .extracting(DynamicTest::getDisplayName)
        .containsExactly("BootGuest", "ends well");
    assertThat(report(125, false))
        .allSatisfy(
            t ->
                assertThatThrownBy(t.getExecutable()::execute)
                    .isInstanceOf(AssertionError.class)
                    .hasMessageContaining("ended with 125"));
    assertThatThrownBy(
            report(125, false, result(Status.PASSED, "")).getLast().getExecutable()::execute)
        .as("passed, and died after that")
        .isInstanceOf(AssertionError.class);
  }

  /** A line that was not written to its end is no result. */
  @Test
  void aTestThatWasUnderWayWhenTheGuestDiedHasNoResult() {
    assertThat(Result.of(NAME + "\tkernelOfTheSeries()\tpas")).isNull();
  }
}
