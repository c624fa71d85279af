package dev.sonde.ffi;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** A process whose libbpf is missing, or is something else. */
class MissingLibraryTest {
  private static List<String> run(String flag, String variable)
      throws IOException, InterruptedException {
    ChildJava.Result result =
        ChildJava.run(OpenAnything.class, List.of(flag), Map.of("SONDE_LIBBPF", variable));
    assertThat(result.exitCode()).as("the library does not end the process").isZero();
    return result.lines();
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
