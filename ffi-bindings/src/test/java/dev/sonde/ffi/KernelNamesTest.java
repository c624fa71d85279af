package dev.sonde.ffi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Names of this kernel's types, and files that are not what they should be. */
class KernelNamesTest {
  private static final Path TYPES = Path.of("/sys/kernel/btf/vmlinux");

  @TempDir Path directory;

  @Test
  void findsWholeNamesOnly() {
    assumeTrue(Files.isReadable(TYPES), "this kernel does not tell its types");
    assertThat(
            KernelNames.absent(
                List.of(
                    "task_struct",
                    "btf_trace_sched_switch",
                    "task_struc",
                    "ask_struct",
                    "btf_trace_sonde_was_here")))
        .containsExactlyInAnyOrder("task_struc", "ask_struct", "btf_trace_sonde_was_here");
  }

  @Test
  void saysNothingWhereThereAreNoTypes() {
    assertThat(KernelNames.absent(Set.of("anything"), directory.resolve("none"))).isEmpty();
  }

  @Test
  void saysNothingOfFilesThatAreNoTypes() throws IOException {
    byte[] types = Files.exists(TYPES) ? Files.readAllBytes(TYPES) : new byte[4096];
    Path file = directory.resolve("types");
    for (int size : new int[] {0, 1, 23, 24, 25, types.length / 2, types.length - 1}) {
      Files.write(file, Arrays.copyOf(types, size));
      assertThat(KernelNames.absent(Set.of("anything"), file)).as("%d bytes", size).isEmpty();
    }
    byte[] huge = new byte[24];
    Arrays.fill(huge, (byte) 0xff);
    huge[0] = (byte) 0x9f;
    huge[1] = (byte) 0xeb;
    Files.write(file, huge);
    assertThat(KernelNames.absent(Set.of("anything"), file)).as("offsets of 4 GB").isEmpty();
  }
}
