package dev.sonde.agent.workload;

import dev.sonde.exporter.model.Workload;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Reads the workload out of a cgroup path.
 *
 * <pre>{@code
 * CgroupPath.workload("/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod<uid>.slice"
 *     + "/cri-containerd-<id>.scope/init.scope");   // pod = uid, container = id
 * CgroupPath.workload("/system.slice/ssh.service"); // unit = ssh.service
 * }</pre>
 *
 * <p><b>Pods.</b> The kubelet's systemd driver (underscores for dashes in the UID) and its cgroupfs
 * driver, every QoS class, containerd, CRI-O, cri-dockerd, below any prefix a nested kubelet has
 * (kind, k3s, minikube). {@code pod} is the UID as the API server writes it; a static pod has the
 * 32 hexadecimal digits of its configuration's hash instead. {@code container} is the full id,
 * pause containers included: a path does not tell them apart. The pod's own cgroup, and {@code
 * crio-conmon}, are the pod with no container. Cgroups a container makes inside itself belong to
 * it. The <em>first</em> pod in a path wins and none is believed below {@code user.slice}, where
 * any user may make cgroups of any name: nothing inside a container or a login can claim to be
 * another pod.
 *
 * <p><b>Everything else</b> is a unit: the systemd unit ({@code ssh.service}, {@code init.scope}),
 * for logins {@code user.slice/user-1000.slice} (a session each would be a series each), containers
 * that are no pods {@code docker/<12 digits>}, {@code podman/<12 digits>}, {@code nerdctl/<12
 * digits>}, else the path's first two levels without the leading slash, ids shortened likewise. The
 * root is {@code /}.
 *
 * <p>Names are chosen by whoever made the cgroup: control characters become {@code _}, a value has
 * at most {@value #MAX_BYTES} bytes of UTF-8 (two names that agree so far become one), and a unit
 * that would look like one of Sonde's own ({@code ~other}, {@code ~gone}, {@code kernel}) gets its
 * leading slash back.
 *
 * <p>Pure functions, any thread, never throws. Source of the names: kubelet's cm/cgroup_manager,
 * each runtime's cgroup path code; CgroupPathTest shows real paths.
 */
public final class CgroupPath {
  /** The longest value of a label made from a cgroup's name. */
  public static final int MAX_BYTES = 200;

  private static final int SHORT_ID = 12;
  private static final String ID = "([0-9a-f]{64})";
  private static final String UID =
      "([0-9a-f]{8}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{12}|[0-9a-f]{32})";

  /**
   * {@code kubepods-burstable-pod<uid>.slice}, with a prefix where the kubelet is itself nested.
   */
  private static final Pattern POD_SLICE =
      Pattern.compile(
          "(?:[0-9a-z_.-]{1,64}-)?kubepods(?:-besteffort|-burstable)?-pod" + UID + "\\.slice");

  /**
   * {@code kubepods-…-pod<uid>.slice:cri-containerd:<id>}: the kubelet speaks systemd and the
   * runtime does not.
   */
  private static final Pattern POD_AND_CONTAINER =
      Pattern.compile(
          "(?:[0-9a-z_.-]{1,64}-)?kubepods(?:-besteffort|-burstable)?-pod"
              + UID
              + "\\.slice:[0-9a-z_.-]{1,64}:"
              + ID);

  private static final Pattern POD_DIRECTORY = Pattern.compile("pod" + UID);

  /** Parents of {@link #POD_DIRECTORY}: without one, a directory called pod… is just that. */
  private static final Pattern POD_PARENT = Pattern.compile("kubepods|besteffort|burstable");

  private static final Pattern CONTAINER =
      Pattern.compile("(?:[0-9a-z_.]{1,32}-|cri-[0-9a-z_.]{1,32}-)?" + ID + "(?:\\.scope)?");

  /** The containerd namespace of everything that was made through its CRI. */
  private static final String CRI_NAMESPACE = "k8s.io";

  /**
   * {@code system.slice:cri-containerd:<id>}: a systemd name given to a runtime without systemd.
   */
  private static final Pattern CRI_SUFFIX =
      Pattern.compile("[^/:]{1,128}:cri-[0-9a-z_.]{1,32}:" + ID);

  private static final Pattern PLAIN_SCOPE =
      Pattern.compile("(docker|libpod|nerdctl)-" + ID + "(?:\\.scope)?");

  private static final Pattern UNIT_SUFFIX =
      Pattern.compile(".*\\.(?:service|scope|socket|mount|swap)");

  private CgroupPath() {}

  /** The workload of the cgroup at {@code path} in its hierarchy; {@code /} is the root. */
  public static Workload workload(String path) {
    return parse(path).byPath();
  }

  /** What {@code path} says, the workload and the ids by which a container runtime knows it. */
  public static CgroupName parse(String path) {
    List<String> segments = segments(path);
    if (segments.isEmpty()) {
      return CgroupName.plain(Workload.unit("/"));
    }
    if (segments.getFirst().equals("user.slice")) {
      return CgroupName.plain(Workload.unit(levels(segments)));
    }
    for (int i = 0; i < segments.size(); i++) {
      Workload pod = pod(segments, i);
      if (pod != null) {
        return new CgroupName(pod, pod.pod(), pod.container(), true);
      }
    }
    Workload unit = Workload.unit(unit(segments));
    for (int i = 0; i < segments.size(); i++) {
      Matcher m = CONTAINER.matcher(segments.get(i));
      Matcher last = CRI_SUFFIX.matcher(segments.get(i));
      if (m.matches()) {
        boolean below = i > 0 && segments.get(i - 1).equals(CRI_NAMESPACE);
        boolean named = segments.get(i).startsWith("cri-") || segments.get(i).startsWith("crio-");
        return new CgroupName(unit, "", m.group(1), below || named);
      }
      if (last.matches()) {
        return new CgroupName(unit, "", last.group(1), true);
      }
    }
    return CgroupName.plain(unit);
  }

  /**
   * The path without the mark that the kernel appends when the cgroup (or its directory) is gone.
   */
  public static String alive(String path) {
    String mark = " (deleted)";
    return path.endsWith(mark) ? path.substring(0, path.length() - mark.length()) : path;
  }

  private static List<String> segments(String path) {
    List<String> segments = new ArrayList<>();
    for (String s : path.split("/")) {
      // ".." leads up from a cgroup namespace whose place in the tree is not known.
      if (!s.isEmpty() && !s.equals("..")) {
        segments.add(s);
      }
    }
    return segments;
  }

  private static @Nullable Workload pod(List<String> segments, int i) {
    String segment = segments.get(i);
    Matcher both = POD_AND_CONTAINER.matcher(segment);
    if (both.matches()) {
      return new Workload("", uid(both.group(1)), both.group(2), "");
    }
    Matcher slice = POD_SLICE.matcher(segment);
    boolean found = slice.matches();
    String uid = found ? slice.group(1) : "";
    if (!found && (i == 0 || POD_PARENT.matcher(segments.get(i - 1)).matches())) {
      Matcher directory = POD_DIRECTORY.matcher(segment);
      found = directory.matches();
      uid = found ? directory.group(1) : "";
    }
    if (!found) {
      return null;
    }
    String container = i + 1 < segments.size() ? container(segments.get(i + 1)) : "";
    return new Workload("", uid(uid), container, "");
  }

  private static String uid(String uid) {
    return uid.replace('_', '-');
  }

  private static String container(String segment) {
    if (segment.startsWith("crio-conmon-")) {
      return "";
    }
    Matcher m = CONTAINER.matcher(segment);
    return m.matches() ? m.group(1) : "";
  }

  private static String unit(List<String> segments) {
    for (String s : segments) {
      Matcher plain = PLAIN_SCOPE.matcher(s);
      if (plain.matches()) {
        String engine = plain.group(1).equals("libpod") ? "podman" : plain.group(1);
        return engine + "/" + plain.group(2).substring(0, SHORT_ID);
      }
    }
    for (String s : segments) {
      if (UNIT_SUFFIX.matcher(s).matches()) {
        return reserved(LabelValue.clean(s, MAX_BYTES - 1));
      }
    }
    return levels(segments);
  }

  /** The first two levels. */
  private static String levels(List<String> segments) {
    String first = LabelValue.clean(shorten(segments.getFirst()), MAX_BYTES / 2 - 1);
    if (segments.size() == 1) {
      return reserved(first);
    }
    return reserved(first + "/" + LabelValue.clean(shorten(segments.get(1)), MAX_BYTES / 2 - 1));
  }

  private static String shorten(String segment) {
    Matcher m = CONTAINER.matcher(segment);
    return m.matches() ? m.group(1).substring(0, SHORT_ID) : segment;
  }

  private static String reserved(String unit) {
    return unit.startsWith("~") || unit.toLowerCase(Locale.ROOT).equals("kernel")
        ? "/" + unit
        : unit;
  }
}
