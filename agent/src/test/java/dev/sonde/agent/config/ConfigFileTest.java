package dev.sonde.agent.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ConfigFileTest {
  @TempDir Path folder;

  private Config load(String text) throws Exception {
    Path file = Files.writeString(folder.resolve("sonde.yaml"), text);
    return ConfigLoader.load(Map.of("config", List.of(file.toString())), Map.of(), List.of());
  }

  /** What is wrong, with the file's name left out. */
  private String problem(String text) {
    ConfigException error = catchThrowableOfType(ConfigException.class, () -> load(text));
    assertThat(error.remedy()).isNotEmpty();
    return (error.what() + " | " + error.remedy()).replace(folder + "/", "");
  }

  @Test
  void scalarsOfEveryYamlTypeAreTakenAsTheyAreWritten() throws Exception {
    Config config =
        load(
            """
            listen: "[::1]:9520"
            grpc-listen: off
            max-workloads: 4_096
            classic-histograms: false
            stale-after: 1m30s
            btf:
            """);
    assertThat(config.get(Options.LISTEN)).isEqualTo(new Endpoint("::1", 9520));
    assertThat(config.get(Options.GRPC_LISTEN)).isEmpty();
    assertThat(config.get(Options.MAX_WORKLOADS)).isEqualTo(4096);
    assertThat(config.get(Options.CLASSIC_HISTOGRAMS)).isFalse();
    assertThat(config.get(Options.STALE_AFTER)).isEqualTo(Duration.ofSeconds(90));
    assertThat(config.get(Options.BTF)).isEqualTo(Optional.empty());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "mechanism: sched=raw_tp,buffer=perf",
        "mechanism: [sched=raw_tp, buffer=perf]",
        "mechanism: {sched: raw_tp, buffer: perf}",
        "mechanism:\n  sched: raw_tp\n  buffer: perf",
      })
  void aListMayBeWrittenInYamlsWays(String text) throws Exception {
    assertThat(load(text).get(Options.MECHANISM).byProbe())
        .isEqualTo(Map.of("sched", "raw_tp", "buffer", "perf"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "# nothing\n", "---\n", "null\n"})
  void anEmptyFileIsAllDefaults(String text) throws Exception {
    assertThat(load(text).get(Options.MAX_WORKLOADS)).isEqualTo(2048);
  }

  @Test
  void anUnknownKeyHasItsPlaceAndASuggestion() {
    assertThat(problem("listen: a:1\n\n  \nring-bufer-bytes: 1MiB\n"))
        .isEqualTo(
            "sonde.yaml:4:1: unknown key 'ring-bufer-bytes' | did you mean 'ring-buffer-bytes'?");
    assertThat(problem("ring_buffer_bytes: 1MiB\n")).endsWith("did you mean 'ring-buffer-bytes'?");
    assertThat(problem("colour: red\n"))
        .startsWith("sonde.yaml:1:1: unknown key 'colour' | keys are: listen, grpc-listen, ");
  }

  @Test
  void whatIsNoFlatMappingHasItsPlace() {
    assertThat(problem("- listen\n")).startsWith("sonde.yaml:1:1: not a mapping | ");
    assertThat(problem("listen:\n  - a:1\n"))
        .isEqualTo(
            "sonde.yaml:2:3: 'listen' takes one value, not a list or mapping"
                + " | for example: listen: 0.0.0.0:9520");
    assertThat(problem("probes: [a, [b]]\n"))
        .isEqualTo("sonde.yaml:1:13: 'probes' is nested too deep | write a flat list");
    assertThat(problem("[a]: 1\n")).startsWith("sonde.yaml:1:1: a key must be an option's name");
    assertThat(problem("watch: true\n"))
        .isEqualTo("sonde.yaml:1:1: 'watch' cannot be set in a file | use the flag --watch");
    assertThat(problem("config: x\n")).contains("cannot be set in a file");
  }

  @Test
  void aKeyStandsOnlyOnce() {
    assertThat(problem("listen: a:1\nlog-level: info\nlisten: b:2\n"))
        .startsWith("sonde.yaml:3:1: ")
        .contains("listen");
  }

  @Test
  void brokenYamlHasItsPlace() {
    assertThat(problem("listen: a:1\nprobes: [a, b\nlog-level: info\n"))
        .startsWith("sonde.yaml:3:");
    assertThat(problem("listen: \"a\n")).startsWith("sonde.yaml:2:1: ");
    assertThat(problem("\tlisten: a:1\n")).startsWith("sonde.yaml:1:1: ");
  }

  @Test
  void noTagMakesAnObjectAndNoAliasGrows() {
    assertThat(problem("listen: !!javax.script.ScriptEngineManager [x]\n"))
        .startsWith("sonde.yaml:1:9: ");
    assertThat(problem("listen: !secret x\n"))
        .isEqualTo("sonde.yaml:1:9: 'listen' has the tag !secret | leave the tag out");
    assertThat(problem("probes: &a [x, *a]\n")).startsWith("sonde.yaml");
  }

  @Test
  void aFileThatCannotBeReadIsNamed() throws Exception {
    assertThat(problem(folder.resolve("no.yaml"))).startsWith("no.yaml: no such file | create it");
    assertThat(problem(folder)).contains(": not a file | name a YAML file with --config");
    Path latin = folder.resolve("latin.yaml");
    Files.write(latin, "node-name: stra\u00dfe".getBytes(StandardCharsets.ISO_8859_1));
    assertThat(problem(latin)).isEqualTo("latin.yaml: not UTF-8 text | save it as UTF-8");
    Path large = Files.writeString(folder.resolve("large.yaml"), "#".repeat(300_000));
    assertThat(problem(large)).startsWith("large.yaml: larger than 256 KiB | ");
    assertThat(problem(Path.of("/dev/zero"))).startsWith("/dev/zero: not a file | ");
  }

  private String problem(Path file) {
    ConfigException error =
        catchThrowableOfType(
            ConfigException.class,
            () ->
                ConfigLoader.load(Map.of("config", List.of(file.toString())), Map.of(), List.of()));
    return (error.what() + " | " + error.remedy()).replace(folder + "/", "");
  }
}
