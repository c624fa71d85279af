package dev.sonde.exporter.prometheus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;

/** Programs of the distribution that a test needs. */
final class Tools {
  private Tools() {}

  /**
   * Fails without {@code program} as root, who can install it; skips for others, and with
   * -Dsonde.kernel=false.
   */
  static void require(Path program, String debianPackage) {
    String what = "needs " + program + ": apt install " + debianPackage;
    boolean mustRun =
        "root".equals(System.getProperty("user.name"))
            && !"false".equals(System.getProperty("sonde.kernel"));
    if (mustRun) {
      assertThat(Files.isExecutable(program)).as(what).isTrue();
    }
    assumeTrue(Files.isExecutable(program), what);
  }
}
