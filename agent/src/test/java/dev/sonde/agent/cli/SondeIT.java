package dev.sonde.agent.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;
import static org.awaitility.Awaitility.await;

import java.io.File;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Exit codes and stderr of real processes. */
class SondeIT {
  @TempDir Path folder;

  private record Result(int code, String out, String err) {}

  private Result sonde(String... args) throws Exception {
    return run(List.of(), args);
  }

  private Result run(List<String> before, String... args) throws Exception {
    Process process = start(before, args);
    assertThat(process.waitFor(2, TimeUnit.MINUTES)).as("it ends").isTrue();
    return new Result(
        process.exitValue(),
        Files.readString(folder.resolve("out")),
        Files.readString(folder.resolve("err")));
  }

  private Process start(List<String> before, String... args) throws IOException {
    List<String> command = new ArrayList<>(before);
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("--enable-native-access=ALL-UNNAMED");
    command.add("--sun-misc-unsafe-memory-access=allow");
    command.add("-cp");
    command.add(classPath());
    command.add(Sonde.class.getName());
    command.addAll(List.of(args));
    File out = folder.resolve("out").toFile();
    File err = folder.resolve("err").toFile();
    ProcessBuilder builder = new ProcessBuilder(command).redirectOutput(out).redirectError(err);
    builder.environment().keySet().removeIf(k -> k.startsWith("SONDE_"));
    builder.environment().put("LC_ALL", "C.UTF-8");
    return builder.start();
  }

  /**
   * That of this test, with the module's classes in place of its jar: the jar's manifest names a
   * second copy of every library.
   */
  private static String classPath() {
    Path target = Path.of(System.getProperty("sonde.root"), "agent", "target");
    List<String> entries = new ArrayList<>(List.of(target.resolve("classes").toString()));
    for (String entry : System.getProperty("java.class.path").split(File.pathSeparator)) {
      if (!entry.endsWith(".jar") || !target.equals(Path.of(entry).getParent())) {
        entries.add(entry);
      }
    }
    return String.join(File.pathSeparator, entries);
  }

  @Test
  void theVersionAndTheConfigurationNeedNothing() throws Exception {
    assertThat(sonde("--version").code()).isZero();
    Result printed = sonde("agent", "--print-config", "--listen", "127.0.0.1:0");
    assertThat(printed.code()).isZero();
    assertThat(printed.out()).contains("listen: 127.0.0.1:0");
    assertThat(printed.err()).isEmpty();
  }

  @Test
  void aTypingErrorEndsWith2() throws Exception {
    Result result = sonde("agent", "--lisen", "127.0.0.1:0");
    assertThat(result.code()).isEqualTo(2);
    assertThat(result.err())
        .isEqualTo("sonde agent: unknown option '--lisen'\n  did you mean '--listen'?\n");
  }

  @Test
  void aBadFileEndsWith2AndItsLine() throws Exception {
    Path file = Files.writeString(folder.resolve("s.yaml"), "log-level: info\nlissten: a:1\n");
    Result result = sonde("agent", "--config", file.toString());
    assertThat(result.code()).isEqualTo(2);
    assertThat(result.err())
        .isEqualTo(
            "sonde agent: " + file + ":2:1: unknown key 'lissten'\n  did you mean 'listen'?\n");
  }

  /** Root in a container that was granted nothing: what comes from files works there. */
  @Test
  void withoutCapabilitiesRootStartsAndSaysWhatIsMissing() throws Exception {
    assumeThat(Files.isExecutable(Path.of("/usr/bin/setpriv")))
        .as("setpriv (util-linux) is there")
        .isTrue();
    assumeThat(isRoot()).as("running as root, which can drop capabilities").isTrue();
    List<String> none = List.of("setpriv", "--bounding-set=-all", "--inh-caps=-all");
    Process agent = start(none, "agent", "--listen", "127.0.0.1:0", "--grpc-listen", "off");
    try {
      await("the agent to start")
          .atMost(Duration.ofMinutes(1))
          .until(() -> Files.readString(folder.resolve("err")).contains("agent started"));
      assertThat(Files.readString(folder.resolve("err")))
          .contains("capability=CAP_BPF", "capability=CAP_PERFMON", "probe is down");
    } finally {
      agent.destroy();
      assertThat(agent.waitFor(1, TimeUnit.MINUTES)).isTrue();
    }
    Result doctor = run(none, "doctor");
    assertThat(doctor.code()).as("degraded").isEqualTo(1);
    assertThat(doctor.out()).contains("CAP_BPF", "CAP_PERFMON");
  }

  @Test
  void aMissingBtfFileEndsWith3() throws Exception {
    assumeThat(isRoot()).as("running as root: privileges are looked at first").isTrue();
    Result result = sonde("agent", "--btf", "/no/such/btf");
    assertThat(result.code()).isEqualTo(3);
    assertThat(result.err())
        .startsWith("sonde agent: kernel BTF /no/such/btf: no such file\n  run a kernel with")
        .hasLineCount(2);
  }

  @Test
  void aMissingOrForeignLibbpfEndsWith3() throws Exception {
    assumeThat(isRoot()).as("running as root: privileges are looked at first").isTrue();
    Result missing = sonde("agent", "--libbpf", "/no/such/libbpf.so.1");
    assertThat(missing.code()).isEqualTo(3);
    assertThat(missing.err())
        .startsWith("sonde agent: open /no/such/libbpf.so.1: not found")
        .contains("\n  install libbpf 1.0 or later", "--libbpf FILE")
        .hasLineCount(2);
    Result foreign = sonde("agent", "--libbpf", "libc.so.6");
    assertThat(foreign.code()).isEqualTo(3);
    assertThat(foreign.err()).contains("libc.so.6: not libbpf").hasLineCount(2);
  }

  /** The port is bound before anything is attached, so this holds where BPF does not work too. */
  @Test
  void aTakenPortEndsWith4() throws Exception {
    assumeThat(isRoot()).as("running as root: privileges are looked at first").isTrue();
    try (ServerSocket other = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      String endpoint = "127.0.0.1:" + other.getLocalPort();
      Result result = sonde("agent", "--listen", endpoint, "--grpc-listen", "off");
      assertThat(result.err())
          .startsWith("sonde agent: --listen " + endpoint + ": the port is taken;")
          .hasLineCount(2);
      assertThat(result.code()).isEqualTo(4);
    }
  }

  @Test
  void doctorsVerdictIsItsExitCode() throws Exception {
    Result result = sonde("doctor", "--json");
    String verdict =
        switch (result.code()) {
          case 0 -> "ok";
          case 1 -> "degraded";
          default -> "failed";
        };
    assertThat(result.out())
        .contains("\"schema\" : \"sonde.doctor/1\"", "\"verdict\" : \"" + verdict + "\"")
        .contains("\"id\" : \"kernel.btf\"", "\"id\" : \"cgroup.mode\"");
    assertThat(result.err()).isEmpty();
  }

  @Test
  void podsListsTheTreeWithoutAnAgent() throws Exception {
    Result result = sonde("pods", "--json");
    assertThat(result.err()).isEmpty();
    assertThat(result.code()).isZero();
    assertThat(result.out())
        .contains("\"schema\" : \"sonde.pods/1\"")
        .containsPattern("\"id\" : \\d");
  }

  private static boolean isRoot() throws Exception {
    return new String(Files.readAllBytes(Path.of("/proc/self/status")), StandardCharsets.UTF_8)
        .contains("\nUid:\t0\t0");
  }
}
