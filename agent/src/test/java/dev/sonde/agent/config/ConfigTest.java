package dev.sonde.agent.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ConfigTest {
  private static final Map<String, List<String>> LADDERS =
      Map.of(
          "sched", List.of("tp_btf", "raw_tp", "tracepoint"),
          "tcp_retransmit", List.of("tp_btf", "tracepoint"),
          "buffer", List.of("ring", "perf"));

  @TempDir Path folder;

  private static String problem(Map<String, List<String>> flags) throws Exception {
    Config config = ConfigLoader.load(flags, Map.of(), List.of());
    ConfigException error =
        catchThrowableOfType(ConfigException.class, () -> config.requireProbes(LADDERS));
    return error.what() + " | " + error.remedy();
  }

  @Test
  void unknownProbesAndMechanismsAreRefused() throws Exception {
    assertThat(problem(Map.of("probes", List.of("all,-shced"))))
        .isEqualTo(
            "--probes all,-shced: unknown probe 'shced'"
                + " | did you mean 'sched'? there are: sched, tcp_retransmit");
    assertThat(problem(Map.of("mechanism", List.of("xyz=ring"))))
        .isEqualTo(
            "--mechanism xyz=ring: unknown probe 'xyz' | there are: buffer, sched, tcp_retransmit");
    assertThat(problem(Map.of("mechanism", List.of("tcp_retransmit=raw_tp"))))
        .isEqualTo(
            "--mechanism tcp_retransmit=raw_tp: unknown mechanism of tcp_retransmit 'raw_tp'"
                + " | there are: tp_btf, tracepoint");
    assertThat(problem(Map.of("probes", List.of("buffer")))).contains("unknown probe 'buffer'");
  }

  @Test
  void knownProbesPass() throws Exception {
    ConfigLoader.load(
            Map.of("probes", List.of("sched"), "mechanism", List.of("sched=raw_tp,buffer=perf")),
            Map.of(),
            List.of())
        .requireProbes(LADDERS);
  }

  @Test
  void aSelectionIncludesAndLeavesOut() throws Exception {
    assertThat(ProbeSelection.parse("all").includes("x")).isTrue();
    assertThat(ProbeSelection.parse("a,b").includes("a")).isTrue();
    assertThat(ProbeSelection.parse("a,b").includes("c")).isFalse();
    assertThat(ProbeSelection.parse("all,-c").includes("c")).isFalse();
    assertThat(ProbeSelection.parse("-c").includes("a")).isTrue();
    assertThat(ProbeSelection.parse("-c").includes("c")).isFalse();
  }

  @Test
  void whatIsPrintedIsAFileThatMeansTheSame() throws Exception {
    Map<String, List<String>> flags =
        Map.of(
            "grpc-listen", List.of("off"),
            "listen", List.of("[::1]:9520"),
            "node-name", List.of("a\"b\\c"),
            "mechanism", List.of("sched=raw_tp", "buffer=perf"),
            "probes", List.of("all,-sched"),
            "watch", List.of("true"));
    Config config = ConfigLoader.load(flags, Map.of("SONDE_STALE_AFTER", "90s"), List.of());

    String text = ConfigPrinter.print(config);
    assertThat(text)
        .containsPattern("(?m)^grpc-listen: off +# flag --grpc-listen$")
        .containsPattern("(?m)^stale-after: 90s +# env SONDE_STALE_AFTER$")
        .containsPattern("(?m)^max-workloads: 2048 +# default$")
        .containsPattern("(?m)^# watch: true +# flag --watch$");

    Path file = Files.writeString(folder.resolve("printed.yaml"), text);
    Config again =
        ConfigLoader.load(Map.of("config", List.of(file.toString())), Map.of(), List.of());
    for (Option<?> option : Options.ALL) {
      if (option.places().contains(Place.FILE)) {
        assertThat(again.get(option)).as(option.name()).isEqualTo(config.get(option));
      }
    }
  }

  @Test
  void aCopyDiffersInOneOption() {
    Config config = Config.defaults().with(Options.LISTEN, new Endpoint("127.0.0.1", 0));
    assertThat(config.get(Options.LISTEN).port()).isZero();
    assertThat(config.get(Options.MAX_WORKLOADS)).isEqualTo(2048);
  }
}
