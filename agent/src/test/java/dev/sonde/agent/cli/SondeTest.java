package dev.sonde.agent.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sonde.agent.config.Command;
import dev.sonde.agent.config.Option;
import dev.sonde.agent.config.Options;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class SondeTest {
  private final FakeBackend backend = new FakeBackend();
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();

  private ExitCode run(String... args) {
    return new Sonde(
            Map.of(),
            new PrintStream(out, true, StandardCharsets.UTF_8),
            new PrintStream(err, true, StandardCharsets.UTF_8),
            () -> backend)
        .run(args);
  }

  private String out() {
    return out.toString(StandardCharsets.UTF_8);
  }

  private String err() {
    return err.toString(StandardCharsets.UTF_8);
  }

  @ParameterizedTest
  @EnumSource
  void everyCommandsHelpHasItsOptionsExamplesAndExitCodes(Command command) {
    assertThat(run(command.text(), "--help")).isEqualTo(ExitCode.OK);
    assertThat(out())
        .contains("Usage: sonde " + command.text() + " [OPTIONS]")
        .containsPattern("(?s)Examples:\n  sudo sonde " + command.text() + "\n.*sonde ")
        .containsPattern("(?s)Exit codes:\n  0 .*\n  1 .*\n  2 .*\n  3 .*\n  4 ")
        .contains("SONDE_NAME", command.ownSwitch());
    for (Option<?> option : Options.ALL) {
      boolean listed = out().matches("(?s).*\n +" + option.flag() + "[=\\[\n ].*");
      assertThat(listed).as(option.flag()).isEqualTo(option.commands().contains(command));
    }
    assertThat(out().lines().allMatch(l -> l.length() <= 100)).isTrue();
    assertThat(err()).isEmpty();
  }

  @Test
  void theTopHelpListsTheCommandsWithExamples() {
    assertThat(run("--help")).isEqualTo(ExitCode.OK);
    assertThat(out())
        .contains(
            "  agent ", "  doctor ", "  pods ", "Examples:\n  sudo sonde agent", "Exit codes:");
  }

  @Test
  void noCommandIsAUsageErrorWithTheHelp() {
    assertThat(run()).isEqualTo(ExitCode.USAGE);
    assertThat(err()).contains("Usage: sonde");
    assertThat(out()).isEmpty();
  }

  @Test
  void theVersionIsThatOfTheBuild() {
    assertThat(run("--version")).isEqualTo(ExitCode.OK);
    assertThat(out()).matches("sonde \\d+\\.\\d+\\.\\d+(-SNAPSHOT)?\n");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      textBlock =
          """
          agnet                 | sonde: unknown command 'agnet'                         | did you mean 'agent'?
          frobnicate            | sonde: unknown command 'frobnicate'                    | commands are: agent, doctor, pods
          agent --lisen a:1     | sonde agent: unknown option '--lisen'                  | did you mean '--listen'?
          agent --lisen=a:1     | sonde agent: unknown option '--lisen'                  | did you mean '--listen'?
          agent -x              | sonde agent: unknown option '-x'                       | see sonde agent --help
          agent more            | sonde agent: 'more': sonde agent takes options only    | see sonde agent --help
          agent --listen        | sonde agent: --listen: no value                        | expected HOST:PORT, for example: --listen 0.0.0.0:9520
          agent --listen --watch| sonde agent: --listen: no value                        | expected HOST:PORT, for example: --listen 0.0.0.0:9520
          agent --listen a      | sonde agent: --listen a: no port                       | expected HOST:PORT, for example: --listen 0.0.0.0:9520
          agent --json          | sonde agent: unknown option '--json'                   | see sonde agent --help
          doctor --listen a:1   | sonde doctor: '--listen' is no option of sonde doctor  | it is one of sonde agent, sonde pods
          agent --watch=perhaps | sonde agent: --watch perhaps: neither true nor false   | "expected true|false, for example: --watch true"
          agent --probes schde  | sonde agent: --probes schde: unknown probe 'schde'     | did you mean 'sched'? there are: sched
          agent --config /no    | sonde agent: /no: no such file                         | create it, or name another one with --config
          """)
  void aUsageErrorIsTwoLinesAndCode2(String arguments, String what, String remedy) {
    assertThat(run(arguments.split(" "))).isEqualTo(ExitCode.USAGE);
    assertThat(err()).isEqualTo(what + "\n  " + remedy + "\n");
    assertThat(out()).isEmpty();
  }

  @Test
  void printConfigShowsOriginsAndStartsNothing() {
    assertThat(run("agent", "--print-config", "--stale-after", "7m")).isEqualTo(ExitCode.OK);
    assertThat(out()).containsPattern("stale-after: 7m +# flag --stale-after");
    assertThat(out()).doesNotContain("running");
  }

  @Test
  void podsAreListedWithoutAnAgent() {
    assertThat(run("pods", "--listen", "127.0.0.1:1", "--grpc-listen", "off"))
        .isEqualTo(ExitCode.OK);
    assertThat(out())
        .containsPattern("POD +CONTAINER +UNIT +PROCESSES +CGROUP\n")
        .containsPattern("uid-1 +aaaaaaaaaaaa +- +2 +/kubepods/pod1/a{64}\n")
        .containsPattern("- +- +x\\?\\.service +1 +/system.slice/x\\?\\.service\n")
        .endsWith("agent: http does not answer at 127.0.0.1:1; grpc is off\n");
  }

  @Test
  void podsAsJson() {
    assertThat(run("pods", "--json", "--listen", "127.0.0.1:1", "--grpc-listen", "127.0.0.1:1"))
        .isEqualTo(ExitCode.OK);
    assertThat(out().replaceAll("\\s+", " "))
        .startsWith("{ \"schema\" : \"sonde.pods/1\", \"agent\" : { \"http\" : {")
        .contains("\"state\" : \"absent\"", "\"processes\" : 2", "x\\u001B.service");
  }
}
