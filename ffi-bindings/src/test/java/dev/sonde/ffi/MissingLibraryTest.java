package dev.sonde.ffi;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A process whose libbpf is missing, or is something else. */
class MissingLibraryTest {
  private static List<String> run(String flag, String variable)
      throws IOException, InterruptedException {
    ProcessBuilder java =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                flag,
                "-cp",
                System.getProperty("java.class.path"),
                "dev.sonde.ffi.OpenAnything")
            .redirectErrorStream(true);
    java.environment().put("SONDE_LIBBPF", variable);
    Process process = java.start();
    List<String> lines = process.inputReader().lines().toList();
    assertThat(process.waitFor()).as("the library does not end the process").isZero();
    return lines;
  }

  @Test
  void isATypedErrorEveryTimeAndPrintsNothing() throws IOException, InterruptedException {
    assertThat(run("-Da=b", "/nonexistent.so"))
        .hasSize(2)
        .allSatisfy(
            line -> assertThat(line).startsWith("Missing: open /nonexistent.so: not found"));
  }

  @Test
  void thePropertyIsStrongerThanTheVariable() throws IOException, InterruptedException {
    assertThat(run("-Dsonde.libbpf=libc.so.6", "/nonexistent.so"))
        .hasSize(2)
        .allSatisfy(line -> assertThat(line).startsWith("WrongVersion: open libc.so.6: "));
  }
}
