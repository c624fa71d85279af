package dev.sonde.agent.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ConfigLoaderTest {
  @TempDir Path folder;

  private static Config load(Map<String, List<String>> flags, Map<String, String> environment)
      throws ConfigException {
    return ConfigLoader.load(flags, environment, List.of("SONDE_JAVA_OPTS"));
  }

  private Path file(String text) throws Exception {
    return Files.writeString(folder.resolve("sonde.yaml"), text);
  }

  @Test
  void aFlagWinsOverTheEnvironmentThatOverTheFileThatOverTheDefault() throws Exception {
    String file = file("stale-after: 1m\n").toString();
    Map<String, List<String>> flags = Map.of("stale-after", List.of("3m"));
    Map<String, String> environment = Map.of("SONDE_STALE_AFTER", "2m", "SONDE_CONFIG", file);

    assertSetting(load(flags, environment), 3, new Origin.Flag("--stale-after"));
    assertSetting(load(Map.of(), environment), 2, new Origin.Environment("SONDE_STALE_AFTER"));
    assertSetting(
        load(Map.of(), Map.of("SONDE_CONFIG", file)), 1, new Origin.File(Path.of(file), 1, 1));
    assertSetting(load(Map.of(), Map.of()), 5, new Origin.Default());
  }

  private static void assertSetting(Config config, int minutes, Origin origin) {
    Setting<Duration> setting = config.setting(Options.STALE_AFTER);
    assertThat(setting.value()).isEqualTo(Duration.ofMinutes(minutes));
    assertThat(setting.origin()).isEqualTo(origin);
  }

  @Test
  void theFlagNamesAFileBeforeTheEnvironmentDoes() throws Exception {
    String file = file("max-connections: 7").toString();
    Config config = load(Map.of("config", List.of(file)), Map.of("SONDE_CONFIG", "/nowhere"));
    assertThat(config.get(Options.MAX_CONNECTIONS)).isEqualTo(7);
  }

  @Test
  void nodeNameComesFromTheDownwardApiToo() throws Exception {
    assertThat(load(Map.of(), Map.of("NODE_NAME", "w1")).get(Options.NODE_NAME)).isEqualTo("w1");
    assertThat(
            load(Map.of(), Map.of("NODE_NAME", "w1", "SONDE_NODE_NAME", "w2"))
                .get(Options.NODE_NAME))
        .isEqualTo("w2");
    assertThat(Config.defaults().get(Options.NODE_NAME))
        .isEqualTo(Files.readString(Path.of("/proc/sys/kernel/hostname")).strip());
  }

  @Test
  void anEmptyVariableIsNotSet() throws Exception {
    Config config = load(Map.of(), Map.of("SONDE_LISTEN", "", "SONDE_LOG_LEVEL", " "));
    assertThat(config.setting(Options.LISTEN).origin()).isEqualTo(new Origin.Default());
  }

  @Test
  void theLastOfARepeatedFlagCountsAndAListCollectsThem() throws Exception {
    Config config =
        load(
            Map.of(
                "listen", List.of("a:1", "b:2"),
                "mechanism", List.of("sched=raw_tp", "tcp=tp_btf,buffer=perf")),
            Map.of());
    assertThat(config.get(Options.LISTEN)).isEqualTo(new Endpoint("b", 2));
    assertThat(config.get(Options.MECHANISM).byProbe())
        .isEqualTo(Map.of("sched", "raw_tp", "tcp", "tp_btf", "buffer", "perf"));
  }

  @Test
  void anUnknownVariableIsAWarningAndNoError() throws Exception {
    Map<String, String> environment =
        Map.of(
            "SONDE_LISTNE", "x", "SONDE_ELSE", "y", "SONDE_JAVA_OPTS", "-Xmx1g", "HOME", "/root");
    assertThat(load(Map.of(), environment).warnings())
        .containsExactly(
            "unknown variable SONDE_ELSE is ignored; sonde agent --help lists the options",
            "unknown variable SONDE_LISTNE is ignored; did you mean 'SONDE_LISTEN'?");
  }

  @Test
  void whatKubernetesSetsForAServiceIsNoMisspeltOption() throws Exception {
    Map<String, String> environment =
        Map.of(
            "SONDE_SERVICE_HOST", "10.0.0.1",
            "SONDE_SERVICE_PORT_HTTP", "9520",
            "SONDE_PORT", "tcp://10.0.0.1:9520",
            "SONDE_AGENT_PORT_9520_TCP_ADDR", "10.0.0.1");
    assertThat(load(Map.of(), environment).warnings()).isEmpty();
  }

  @Test
  void aFlagOnlyOptionIsNotReadFromTheEnvironment() throws Exception {
    Config config = load(Map.of(), Map.of("SONDE_WATCH", "true"));
    assertThat(config.get(Options.WATCH)).isFalse();
    assertThat(config.warnings()).singleElement().asString().contains("SONDE_WATCH");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      textBlock =
          """
          listen            | 127.0.0.1   | no port
          listen            | :9520       | no host (all interfaces: 0.0.0.0:9520)
          listen            | ::1:9520    | an IPv6 address stands in brackets, and no name does
          listen            | a:65536     | the port is not a number from 0 to 65535
          listen            | a:+1        | the port is not a number from 0 to 65535
          grpc-listen       | no          | no port
          node-name         | a b         | empty, or with blanks in it
          cgroup-root       | sys/fs      | not an absolute path
          mechanism         | sched       | 'sched' is not PROBE=MECHANISM
          mechanism         | a=b,a=c     | two mechanisms for a: b and c
          probes            | -all        | '-all' leaves nothing to observe
          probes            | a=b         | 'a=b' is no probe's name
          snapshot-interval | 50ms        | not from 100ms to 1m
          snapshot-interval | 2m          | not from 100ms to 1m
          snapshot-interval | 5           | no unit (one of ms, s, m, h)
          snapshot-interval | 5sec        | unknown unit 'sec' (one of ms, s, m, h)
          snapshot-interval | soon        | not a duration
          snapshot-interval | -1s         | not a duration
          max-workloads     | many        | not a number
          max-workloads     | 2.5         | not a whole number
          max-workloads     | 0           | not from 16 to 65536
          ring-buffer-bytes | 1000000     | not a power of two (next: 1024KiB)
          ring-buffer-bytes | 4KiB        | not from 64KiB to 262144KiB
          ring-buffer-bytes | 1TiB        | unknown unit 'TiB' (one of B, KiB, MiB, GiB, kB, MB, GB)
          ring-buffer-bytes | 0.3B        | not a whole number of bytes
          bpf-stats         | maybe       | neither true nor false
          log-level         | loud        | not one of error, warn, info, debug
          """)
  void aBadValueSaysWhereWhatAndWhatToDo(String name, String value, String problem) {
    Option<?> option =
        Options.ALL.stream().filter(o -> o.name().equals(name)).findFirst().orElseThrow();
    String expected = "expected " + option.label() + ", for example: ";

    ConfigException flag = bad(Map.of(name, List.of(value)), Map.of());
    assertThat(flag.what()).isEqualTo("--" + name + " " + value + ": " + problem);
    assertThat(flag.remedy()).isEqualTo(expected + "--" + name + " " + option.example());

    ConfigException variable = bad(Map.of(), Map.of(option.variable(), value));
    assertThat(variable.what()).isEqualTo(option.variable() + "=" + value + ": " + problem);
    assertThat(variable.remedy()).isEqualTo(expected + option.variable() + "=" + option.example());
  }

  @Test
  void aBadValueOfTheFileNamesItsLine() throws Exception {
    Path file = file("# hello\nlisten: 127.0.0.1:1\nmax-workloads: lots\n");
    ConfigException error = bad(Map.of("config", List.of(file.toString())), Map.of());
    assertThat(error.what()).isEqualTo(file + ":3:1: max-workloads: lots: not a number");
    assertThat(error.remedy()).isEqualTo("expected N, for example: max-workloads: 4096");
  }

  @Test
  void aValueInAnErrorIsOneShortLine() {
    ConfigException error = bad(Map.of("listen", List.of("x\n" + "y".repeat(500))), Map.of());
    assertThat(error.what()).hasLineCount(1).hasSizeLessThan(120);
  }

  private static ConfigException bad(
      Map<String, List<String>> flags, Map<String, String> environment) {
    return catchThrowableOfType(ConfigException.class, () -> load(flags, environment));
  }
}
