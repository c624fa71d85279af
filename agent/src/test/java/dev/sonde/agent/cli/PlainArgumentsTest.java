package dev.sonde.agent.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine.ParseResult;

class PlainArgumentsTest {
  @ParameterizedTest
  @ValueSource(
      strings = {
        "agent",
        "doctor",
        "doctor --json",
        "pods --json --listen a:1",
        "agent --print-config",
        "agent --watch",
        "agent --watch --listen a:1",
        "agent --listen a:1 --watch",
        "agent --watch=false --listen=[::1]:2",
        "agent --listen a:1 --listen b:2",
        "agent --mechanism a=b --mechanism=c=d,e=f --print-config",
        "agent --probes=-sched",
        "agent --listen nonsense --max-workloads x",
        "agent --node-name \"quoted\"",
        "agent --node-name @file",
        "agent --node-name ${sys:user.dir}",
      })
  void isWhatPicocliMakesOfIt(String line) {
    String[] args = line.split(" ");
    ParseResult parsed = Cli.commandLine().parseArgs(args);
    assertThat(PlainArguments.parse(args)).contains(PicocliParser.arguments(parsed.subcommand()));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "--help",
        "--version",
        "agnet",
        "agent --help",
        "agent -h",
        "agent --listne a:1",
        "agent --listen",
        "agent --listen --watch",
        "agent --listen=",
        "agent --probes -sched",
        "agent --watch true",
        "agent extra",
        "agent --print-config=yes",
        "agent --json",
        "doctor --listen a:1",
      })
  void leavesTheUnusualToPicocli(String line) {
    assertThat(PlainArguments.parse(line.split(" "))).isEmpty();
  }

  @Test
  void leavesNothingToPicocliToo() {
    assertThat(PlainArguments.parse()).isEmpty();
  }

  @Test
  void aSwitchTakesAValueAfterABlankAsPicocliReadsIt() {
    ParseResult parsed = Cli.commandLine().parseArgs("agent", "--watch", "false");
    assertThat(PicocliParser.arguments(parsed.subcommand()))
        .isEqualTo(PlainArguments.parse("agent", "--watch=false").orElseThrow());
  }
}
