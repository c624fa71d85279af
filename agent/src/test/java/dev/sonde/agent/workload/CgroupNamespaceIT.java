package dev.sonde.agent.workload;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The agent in a container with a cgroup namespace of its own and the host's tree mounted: it must
 * see whole paths, its own and others'. Needs root.
 */
class CgroupNamespaceIT {
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  @TempDir Path dir;

  /** Runs inside of the namespace. Argument: the pid of a process in another cgroup. */
  public static void main(String[] args) throws IOException {
    CgroupHierarchy h = CgroupHierarchy.detect(null);
    Path other = Path.of("/proc/" + args[0] + "/cgroup");
    System.out.println("own " + h.pathIn(Files.readString(Path.of("/proc/self/cgroup"))));
    System.out.println("other " + h.pathIn(Files.readString(other)));
    try (PodTable pods = PodTable.open(h, Duration.ofMinutes(1))) {
      for (CgroupInfo c : pods.all()) {
        System.out.println(c.path() + " is " + pods.workload(c.id()).unit());
      }
    }
  }

  @Test
  void seesWholePathsFromACgroupNamespace() throws Exception {
    try (TestCgroup cgroups = TestCgroup.create()) {
      Path own = cgroups.make("system.slice/sonde.service");
      cgroups.make("system.slice/other.service");
      Process other = new ProcessBuilder("sleep", "600").start();
      try {
        cgroups.move(other.pid(), "system.slice/other.service");
        assertThat(run(cgroups.hierarchy(), own, other.pid()))
            .contains("own " + cgroups.path("system.slice/sonde.service"))
            .contains("other " + cgroups.path("system.slice/other.service"))
            .contains(cgroups.path("system.slice/other.service") + " is other.service");
      } finally {
        other.destroyForcibly().waitFor();
      }
      await().atMost(PATIENCE).ignoreExceptions().until(() -> removed(own));
    }
  }

  private static boolean removed(Path cgroup) throws IOException {
    // EBUSY until the last of the processes has left.
    Files.deleteIfExists(cgroup);
    return true;
  }

  private List<String> run(CgroupHierarchy h, Path cgroup, long other) throws Exception {
    // What a container runtime does: the container's own cgroup is mounted as "/", too.
    String mount = h.idsFromV1() ? "-t cgroup -o cpu" : "-t cgroup2";
    Path mounted = Files.createDirectory(dir.resolve("own"));
    String inside = "mount " + mount + " none " + mounted + " && exec \"$@\"";
    String script =
        "echo $$ > "
            + cgroup.resolve("cgroup.procs")
            + " && exec unshare --cgroup --mount sh -c '"
            + inside
            + "' sh \"$@\"";
    Path out = dir.resolve("out");
    Process p =
        new ProcessBuilder(
                "sh",
                "-c",
                script,
                "sh",
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                CgroupNamespaceIT.class.getName(),
                Long.toString(other))
            .redirectErrorStream(true)
            .redirectOutput(out.toFile())
            .start();
    int exit = p.waitFor();
    List<String> lines = Files.readAllLines(out);
    assertThat(exit).as(String.join("\n", lines)).isZero();
    return lines;
  }
}
