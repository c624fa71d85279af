package dev.sonde.agent.workload;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Where file handles cannot be used, ids are resolved all the same. Needs root. */
class ResolverFallbackIT {
  private static final String NAME = "system.slice/web.service";

  /** Runs in a process of its own. Argument: the id to resolve. */
  public static void main(String[] args) throws IOException {
    CgroupHierarchy h = CgroupHierarchy.detect(null);
    try (PodTable pods = PodTable.open(h, Duration.ofMinutes(1))) {
      System.out.println(pods.workload(Long.parseLong(args[0])).unit() + " by " + pods.mechanism());
    }
  }

  @Test
  void withoutTheCapabilityItWalksTheTree() throws Exception {
    assertThat(run(List.of("setpriv", "--bounding-set=-dac_read_search"), List.of()))
        .startsWith("web.service by tree (open_by_handle_at in ")
        .contains("EPERM (Operation not permitted); grant CAP_DAC_READ_SEARCH");
  }

  @Test
  void needsNoFileOfItsOwn() throws Exception {
    // /proc takes no files: the same as a read-only file system.
    assertThat(run(List.of(), List.of("-Djna.tmpdir=/proc", "-Djava.io.tmpdir=/proc")))
        .startsWith("web.service by handle");
  }

  private static String run(List<String> prefix, List<String> options) throws Exception {
    try (TestCgroup cgroups = TestCgroup.create()) {
      List<String> command = new ArrayList<>(prefix);
      command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
      command.addAll(options);
      command.addAll(
          List.of(
              "--enable-native-access=ALL-UNNAMED",
              "-cp",
              System.getProperty("java.class.path"),
              ResolverFallbackIT.class.getName(),
              Long.toString(TestCgroup.id(cgroups.make(NAME)))));
      Process p = new ProcessBuilder(command).redirectErrorStream(true).start();
      String out = new String(p.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      assertThat(p.waitFor()).as(out).isZero();
      return out;
    }
  }
}
