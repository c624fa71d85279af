package dev.sonde.agent.guest;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** The guest is the one that was asked for: all other tests build on that. */
@Guest(
    tier = 1,
    kernels = {"5.10", "6.1", "6.12", "6.18", "7.2", "6.12-arm64"},
    variants = {Variant.PLAIN, Variant.CGROUP_V1, Variant.INTEGRITY, Variant.CONFIDENTIALITY})
class BootGuest {
  private static final String NAME = System.getProperty("sonde.guest", "");

  @Test
  void kernelOfTheSeries() {
    assertThat(System.getProperty("os.version")).startsWith(NAME.replaceFirst("-.*", "") + ".");
  }

  @Test
  void lockdownAsAsked() throws IOException {
    String lockdown = Files.readString(Path.of("/sys/kernel/security/lockdown"));
    String asked =
        NAME.endsWith("integrity")
            ? "integrity"
            : NAME.endsWith("confidentiality") ? "confidentiality" : "none";
    assertThat(lockdown).contains("[" + asked + "]");
  }

  @Test
  void cgroupsAsAsked() {
    assertThat(Files.exists(Path.of("/sys/fs/cgroup/cgroup.controllers")))
        .as("v2 alone")
        .isEqualTo(!NAME.endsWith("v1"));
    assertThat(Files.exists(Path.of("/sys/fs/cgroup/cpu/tasks"))).isEqualTo(NAME.endsWith("v1"));
  }
}
