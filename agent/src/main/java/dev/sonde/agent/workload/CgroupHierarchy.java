package dev.sonde.agent.workload;

import dev.sonde.agent.host.Mount;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The one cgroup hierarchy whose ids key everything on this host.
 *
 * <p>Ids collide across hierarchies (the root is 1 in each), so they are never mixed: where the v1
 * {@code cpu} controller is mounted its hierarchy is used, since that is where the container
 * runtimes of v1 and hybrid hosts put their processes; everywhere else the v2 tree.
 *
 * <pre>{@code
 * CgroupHierarchy h = CgroupHierarchy.detect(null);
 * sched.setGlobal("cgroup_v1", h.idsFromV1() ? 1 : 0);
 * }</pre>
 *
 * <p>Immutable. No kernel floor: v1 ids need 5.5 (kernfs ids became inode numbers), below Sonde's
 * floor of 5.10.
 *
 * @param kind what is mounted on the host
 * @param mount where the chosen hierarchy is mounted
 * @param mountRoot which cgroup is mounted there: {@code /}, or {@code /../..} when this process
 *     has a cgroup namespace of its own and the host's tree is mounted into its container
 * @param namespaceRoot the cgroup, as a path below {@code mount}, that {@code /proc/P/cgroup} calls
 *     {@code /}; itself {@code /} unless this process has a cgroup namespace of its own
 * @param idsFromV1 whether programs must take ids from the v1 {@code cpu} hierarchy instead of the
 *     default (v2) one
 */
public record CgroupHierarchy(
    Kind kind, Path mount, String mountRoot, String namespaceRoot, boolean idsFromV1) {

  /** What is mounted on a host. */
  public enum Kind {
    /** Only v1 controllers. */
    V1,
    /** v1 controllers and the v2 tree beside them. */
    HYBRID,
    /** Only the v2 tree. */
    V2
  }

  /** The v1 controller whose hierarchy is used. */
  private static final String CONTROLLER = "cpu";

  /**
   * Finds the hierarchy in this process' mounts.
   *
   * @param cgroupRoot {@code --cgroup-root}: where the host's cgroup file systems are mounted when
   *     it is not the usual place, for example {@code /host/sys/fs/cgroup}; null: anywhere
   * @throws IOException if there is none; the message says what to do
   */
  public static CgroupHierarchy detect(@Nullable Path cgroupRoot) throws IOException {
    return detect(Path.of("/proc/self/mountinfo"), cgroupRoot);
  }

  static CgroupHierarchy detect(Path mountinfo, @Nullable Path cgroupRoot) throws IOException {
    List<Mount> all = Mount.read(mountinfo);
    String below = cgroupRoot == null ? "/" : real(cgroupRoot).toString();
    List<Mount> v1 = new ArrayList<>();
    List<Mount> cpu = new ArrayList<>();
    List<Mount> v2 = new ArrayList<>();
    for (Mount m : all) {
      if (!isBelow(m.point(), below)) {
        continue;
      }
      if (m.type().equals("cgroup2")) {
        v2.add(m);
      } else if (m.type().equals("cgroup")) {
        v1.add(m);
        if (m.superOptions().contains(CONTROLLER)) {
          cpu.add(m);
        }
      }
    }
    Kind kind = v1.isEmpty() ? Kind.V2 : v2.isEmpty() ? Kind.V1 : Kind.HYBRID;
    List<Mount> candidates = cpu.isEmpty() ? v2 : cpu;
    if (candidates.isEmpty()) {
      throw new IOException(
          "no cgroup hierarchy to name workloads by: "
              + mountinfo
              + " has neither a v1 cpu controller nor a cgroup2 mount"
              + (cgroupRoot == null ? "" : " at or below " + cgroupRoot)
              + "; mount the host's /sys/fs/cgroup into this container and pass its path with"
              + " --cgroup-root");
    }
    Mount best = candidates.stream().min(WIDEST).orElseThrow();
    return new CgroupHierarchy(
        kind, Path.of(best.point()), best.root(), namespaceRoot(best, all), !cpu.isEmpty());
  }

  /**
   * The mount that shows most of the tree. Seen from a cgroup namespace of one's own, {@code
   * /../..} is above {@code /}, which is the container's own cgroup only.
   */
  private static final Comparator<Mount> WIDEST =
      Comparator.<Mount>comparingInt(m -> -ups(m.root()))
          .thenComparingInt(m -> m.root().length())
          .thenComparingInt(m -> m.point().length());

  /** How many levels above the cgroup namespace's root this is. */
  static int ups(String path) {
    int n = 0;
    for (String segment : path.split("/")) {
      if (segment.equals("..")) {
        n++;
      }
    }
    return n;
  }

  private static Path real(Path root) throws IOException {
    try {
      return root.toRealPath();
    } catch (IOException e) {
      throw new IOException(
          "--cgroup-root " + root + ": " + e.getMessage() + "; is it mounted into this container?",
          e);
    }
  }

  private static boolean isBelow(String path, String root) {
    return root.equals("/") || path.equals(root) || path.startsWith(root + "/");
  }

  /**
   * Where the cgroup namespace's root is below the host's root: the own cgroup's directory is
   * mounted too (the container's /sys/fs/cgroup), so it is looked for by its inode. {@code /} if it
   * cannot be found: then paths of processes keep only what their last segments say.
   */
  private static String namespaceRoot(Mount host, List<Mount> all) {
    if (ups(host.root()) == 0) {
      return "/";
    }
    for (Mount m : all) {
      if (m.device().equals(host.device()) && m.root().equals("/")) {
        String path = pathOfSameDirectory(m, host);
        if (path != null) {
          return path;
        }
      }
    }
    return "/";
  }

  private static @Nullable String pathOfSameDirectory(Mount namespace, Mount host) {
    try {
      Object inode = Files.getAttribute(Path.of(namespace.point()), "unix:ino");
      return CgroupTree.read(Path.of(host.point())).get(((Number) inode).longValue());
    } catch (IOException e) {
      // Mounted where this process cannot look; another mount may do.
      return null;
    }
  }

  /**
   * The path below {@link #mount} of a path in {@code /proc/P/cgroup}, which is relative to this
   * process' cgroup namespace: {@code /../../kubepods/…} names a cgroup outside of it.
   */
  public String fromNamespace(String path) {
    // Not java.nio.file.Path: it refuses names that the locale's character set cannot express.
    Deque<String> segments = new ArrayDeque<>();
    for (String s : (namespaceRoot + "/" + path).split("/")) {
      if (s.equals("..")) {
        segments.pollLast();
      } else if (!s.isEmpty()) {
        segments.addLast(s);
      }
    }
    return "/" + String.join("/", segments);
  }

  /**
   * The kernel's number of this hierarchy, as in {@code /proc/P/cgroup}; 0 is v2.
   *
   * @param procCgroup any process' such file
   * @throws IOException if the hierarchy is not in it
   */
  public int number(String procCgroup) throws IOException {
    if (!idsFromV1) {
      return 0;
    }
    for (String line : procCgroup.split("\n")) {
      String[] fields = line.split(":", 3);
      if (fields.length == 3 && List.of(fields[1].split(",")).contains(CONTROLLER)) {
        return Integer.parseInt(fields[0]);
      }
    }
    throw new IOException("no v1 hierarchy with the controller " + CONTROLLER);
  }

  /**
   * Picks the chosen hierarchy's line out of {@code /proc/P/cgroup}.
   *
   * @return the path below {@link #mount}, or null if the hierarchy is not in the file
   */
  public @Nullable String pathIn(String procCgroup) {
    for (String line : procCgroup.split("\n")) {
      int first = line.indexOf(':');
      int second = line.indexOf(':', first + 1);
      if (first < 0 || second < 0) {
        continue;
      }
      String controllers = line.substring(first + 1, second);
      boolean ours =
          idsFromV1
              ? List.of(controllers.split(",")).contains(CONTROLLER)
              : controllers.isEmpty() && line.startsWith("0:");
      if (ours) {
        return fromNamespace(CgroupPath.alive(line.substring(second + 1)));
      }
    }
    return null;
  }
}
