package dev.sonde.agent.workload;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** Real cgroups for a test, below one of its own; closing removes them all. */
public final class TestCgroup implements AutoCloseable {
  private final CgroupHierarchy hierarchy;
  private final Path top;

  private TestCgroup(CgroupHierarchy hierarchy, Path top) {
    this.hierarchy = hierarchy;
    this.top = top;
  }

  /** Skips the test where cgroups cannot be made: no root, or mounted read-only. */
  public static TestCgroup create() throws IOException {
    CgroupHierarchy hierarchy = CgroupHierarchy.detect(null);
    assumeTrue(
        Files.isWritable(hierarchy.mount()),
        "needs root and a writable cgroup hierarchy at " + hierarchy.mount());
    Path top =
        Files.createTempDirectory(
            hierarchy.mount(), "sonde-test-" + ProcessHandle.current().pid() + "-");
    return new TestCgroup(hierarchy, top);
  }

  public CgroupHierarchy hierarchy() {
    return hierarchy;
  }

  /** The path of {@code name} below the hierarchy's mount. */
  public String path(String name) {
    return "/" + top.getFileName() + "/" + name;
  }

  /** Makes a cgroup, and its parents. */
  public Path make(String name) throws IOException {
    return Files.createDirectories(top.resolve(name));
  }

  /** Moves a process into a cgroup made before. */
  public void move(long pid, String name) throws IOException {
    Files.writeString(top.resolve(name).resolve("cgroup.procs"), pid + "\n");
  }

  public static long id(Path cgroup) throws IOException {
    return ((Number) Files.getAttribute(cgroup, "unix:ino")).longValue();
  }

  @Override
  public void close() throws IOException {
    List<Path> cgroups = new ArrayList<>();
    for (String path : CgroupTree.read(top).values()) {
      cgroups.add(top.resolve(path.substring(1)));
    }
    cgroups.sort(Comparator.comparingInt(Path::getNameCount).reversed());
    for (Path cgroup : cgroups) {
      Files.deleteIfExists(cgroup);
    }
  }
}
