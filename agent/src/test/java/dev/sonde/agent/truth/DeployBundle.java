package dev.sonde.agent.truth;

import com.google.gson.Gson;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.kubernetes.client.openapi.models.V1Container;
import io.kubernetes.client.openapi.models.V1EnvVar;
import io.kubernetes.client.openapi.models.V1PodSpec;
import io.kubernetes.client.openapi.models.V1SecurityContext;
import io.kubernetes.client.openapi.models.V1Volume;
import io.kubernetes.client.openapi.models.V1VolumeMount;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * The OCI bundle that a kubelet and containerd would make of the DaemonSet's container: the same
 * arguments, mounts, capabilities, seccomp filter, namespaces and memory limit, on the image's
 * files.
 *
 * <p>What a kubelet adds of its own (host names, resolv.conf) is left out. Field by field: the OCI
 * runtime specification, config.md and config-linux.md; what is masked and read-only below /proc is
 * what containerd masks.
 */
final class DeployBundle {
  /** What the container runtimes of CRI-O and podman allow; installed with buildah. */
  private static final Path DEFAULT_SECCOMP = Path.of("/usr/share/containers/seccomp.json");

  private final DeployManifest manifest = DeployManifest.read();
  private final Map<String, String> fields;
  private final Map<String, Path> volumes;
  private final Set<String> capabilities = new LinkedHashSet<>();
  private final List<String> moreArguments = new ArrayList<>();
  private String netns = "";
  private boolean ownProfile;
  private String javaOptions = "";
  private boolean memoryLimit = true;

  /**
   * @param fields the downward API: {@code status.podIP} and the like
   * @param volumes directories for the volumes that are no host paths, by name
   */
  DeployBundle(Map<String, String> fields, Map<String, Path> volumes) {
    this.fields = Map.copyOf(fields);
    this.volumes = Map.copyOf(volumes);
    for (String name :
        Objects.requireNonNull(Objects.requireNonNull(security().getCapabilities()).getAdd())) {
      capabilities.add("CAP_" + name);
    }
  }

  private V1SecurityContext security() {
    return Objects.requireNonNull(manifest.container().getSecurityContext());
  }

  DeployBundle without(String capability) {
    if (!capability.isEmpty() && !capabilities.remove("CAP_" + capability)) {
      throw new AssertionError(capability + " is not in daemonset.yaml");
    }
    return this;
  }

  /** The network namespace of the pod, by its name in {@code ip netns}. */
  DeployBundle inNetwork(String name) {
    netns = name;
    return this;
  }

  /** {@code seccomp.json} of the repository in place of the runtime's default. */
  DeployBundle withOwnProfile() {
    ownProfile = true;
    return this;
  }

  DeployBundle with(String... arguments) {
    moreArguments.addAll(List.of(arguments));
    return this;
  }

  /** Options for the image's JVM. */
  DeployBundle withJava(String options) {
    javaOptions = options;
    return this;
  }

  /** Where runc cannot set one: guests whose memory controller is not switched on. */
  DeployBundle withoutMemoryLimit() {
    memoryLimit = false;
    return this;
  }

  /** Writes {@code config.json} into {@code bundle}. */
  void write(Path bundle, Path rootfs, String cgroupsPath) throws IOException {
    V1PodSpec pod = manifest.pod();
    V1Container container = manifest.container();
    Map<String, Object> config = new LinkedHashMap<>();
    config.put("ociVersion", "1.0.2");
    Map<String, String> env = environment(container);
    List<String> args = new ArrayList<>(List.of("/opt/sonde/sonde"));
    Objects.requireNonNull(container.getArgs()).forEach(a -> args.add(expand(a, env)));
    args.addAll(moreArguments);
    Map<String, Object> held = new LinkedHashMap<>();
    for (String set : List.of("bounding", "effective", "permitted")) {
      held.put(set, List.copyOf(capabilities));
    }
    List<String> variables = new ArrayList<>();
    env.forEach((name, value) -> variables.add(name + "=" + value));
    config.put(
        "process",
        Map.of(
            "terminal",
            false,
            "user",
            Map.of("uid", security().getRunAsUser(), "gid", security().getRunAsGroup()),
            "args",
            args,
            "env",
            variables,
            "cwd",
            "/opt/sonde",
            "noNewPrivileges",
            Boolean.FALSE.equals(security().getAllowPrivilegeEscalation()),
            "capabilities",
            held));
    config.put(
        "root",
        Map.of(
            "path",
            rootfs.toString(),
            "readonly",
            Boolean.TRUE.equals(security().getReadOnlyRootFilesystem())));
    config.put("mounts", mounts(pod, container));
    config.put("linux", linux(pod, container, cgroupsPath));
    Files.writeString(bundle.resolve("config.json"), new Gson().toJson(config));
  }

  private Map<String, String> environment(V1Container container) {
    Map<String, String> env = new LinkedHashMap<>();
    env.put("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    env.put("JAVA_HOME", "/opt/sonde/runtime");
    if (!javaOptions.isEmpty()) {
      env.put("SONDE_JAVA_OPTS", javaOptions);
    }
    for (V1EnvVar variable : Objects.requireNonNull(container.getEnv())) {
      String field =
          Objects.requireNonNull(Objects.requireNonNull(variable.getValueFrom()).getFieldRef())
              .getFieldPath();
      env.put(
          variable.getName(),
          Objects.requireNonNull(fields.get(field), () -> "the test knows no " + field));
    }
    return env;
  }

  private static String expand(String text, Map<String, String> env) {
    String expanded = text;
    for (Map.Entry<String, String> e : env.entrySet()) {
      expanded = expanded.replace("$(" + e.getKey() + ")", e.getValue());
    }
    return expanded;
  }

  private List<Object> mounts(V1PodSpec pod, V1Container container) {
    List<Object> mounts = new ArrayList<>();
    mounts.add(mount("/proc", "proc", "proc", "nosuid", "noexec", "nodev"));
    mounts.add(mount("/dev", "tmpfs", "tmpfs", "nosuid", "strictatime", "mode=755", "size=65536k"));
    mounts.add(mount("/sys", "sysfs", "sysfs", "nosuid", "noexec", "nodev", "ro"));
    mounts.add(
        mount("/sys/fs/cgroup", "cgroup", "cgroup", "nosuid", "noexec", "nodev", "relatime", "ro"));
    for (V1VolumeMount mount : Objects.requireNonNull(container.getVolumeMounts())) {
      V1Volume volume =
          Objects.requireNonNull(pod.getVolumes()).stream()
              .filter(v -> v.getName().equals(mount.getName()))
              .findFirst()
              .orElseThrow();
      String source =
          volume.getHostPath() != null
              ? volume.getHostPath().getPath()
              : Objects.requireNonNull(volumes.get(volume.getName()), volume.getName()).toString();
      String access = Boolean.TRUE.equals(mount.getReadOnly()) ? "ro" : "rw";
      if (Files.exists(Path.of(source))) {
        mounts.add(mount(mount.getMountPath(), "bind", source, "rbind", "rprivate", access));
      }
    }
    return mounts;
  }

  private static Map<String, Object> mount(
      String to, String type, String source, String... options) {
    return Map.of("destination", to, "type", type, "source", source, "options", List.of(options));
  }

  private Map<String, Object> linux(V1PodSpec pod, V1Container container, String cgroupsPath)
      throws IOException {
    Map<String, Object> linux = new LinkedHashMap<>();
    linux.put("cgroupsPath", cgroupsPath);
    List<Object> namespaces = new ArrayList<>();
    for (String type : List.of("mount", "ipc", "uts", "cgroup")) {
      namespaces.add(Map.of("type", type));
    }
    if (!Boolean.TRUE.equals(pod.getHostPID())) {
      namespaces.add(Map.of("type", "pid"));
    }
    if (!netns.isEmpty()) {
      namespaces.add(Map.of("type", "network", "path", "/run/netns/" + netns));
    }
    linux.put("namespaces", namespaces);
    if (memoryLimit) {
      linux.put("resources", Map.of("memory", Map.of("limit", memoryBytes(container))));
    }
    linux.put("seccomp", seccomp());
    linux.put(
        "maskedPaths",
        List.of(
            "/proc/acpi",
            "/proc/kcore",
            "/proc/keys",
            "/proc/latency_stats",
            "/proc/timer_list",
            "/proc/timer_stats",
            "/proc/sched_debug",
            "/proc/scsi",
            "/sys/firmware"));
    linux.put(
        "readonlyPaths",
        List.of("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"));
    return linux;
  }

  static long memoryBytes(V1Container container) {
    return Objects.requireNonNull(
            Objects.requireNonNull(Objects.requireNonNull(container.getResources()).getLimits())
                .get("memory"))
        .getNumber()
        .longValueExact();
  }

  private Object seccomp() throws IOException {
    if (ownProfile) {
      return JsonParser.parseString(
          Files.readString(Path.of(System.getProperty("sonde.root"), "seccomp.json")));
    }
    JsonObject all = JsonParser.parseString(Files.readString(DEFAULT_SECCOMP)).getAsJsonObject();
    List<Object> rules = new ArrayList<>();
    for (JsonElement element : all.getAsJsonArray("syscalls")) {
      JsonObject rule = element.getAsJsonObject();
      if (rule.get("action").getAsString().equals("SCMP_ACT_ALLOW") && applies(rule)) {
        JsonObject kept = new JsonObject();
        kept.add("names", rule.get("names"));
        kept.add("action", rule.get("action"));
        if (rule.has("args")
            && !rule.get("args").isJsonNull()
            && !rule.getAsJsonArray("args").isEmpty()) {
          kept.add("args", rule.get("args"));
        }
        rules.add(kept);
      }
    }
    // As containerd from 1.7 and Docker from 23 on; Debian's file is older.
    if (capabilities.contains("CAP_BPF")) {
      rules.add(Map.of("names", List.of("bpf"), "action", "SCMP_ACT_ALLOW"));
    }
    if (capabilities.contains("CAP_PERFMON")) {
      rules.add(Map.of("names", List.of("perf_event_open"), "action", "SCMP_ACT_ALLOW"));
    }
    return Map.of(
        "defaultAction",
        "SCMP_ACT_ERRNO",
        "defaultErrnoRet",
        1,
        "architectures",
        List.of(architecture().equals("amd64") ? "SCMP_ARCH_X86_64" : "SCMP_ARCH_AARCH64"),
        "syscalls",
        rules);
  }

  private static String architecture() {
    return System.getProperty("os.arch").replace("aarch64", "arm64");
  }

  private boolean applies(JsonObject rule) {
    return within(rule, "includes", "arches", Set.of(architecture()), true)
        && within(rule, "includes", "caps", capabilities, true)
        && !within(rule, "excludes", "arches", Set.of(architecture()), false)
        && !within(rule, "excludes", "caps", capabilities, false);
  }

  /** Whether one of the words of a condition is in {@code held}; {@code without} where none is. */
  private static boolean within(
      JsonObject rule, String kind, String of, Set<String> held, boolean without) {
    if (!rule.has(kind) || !rule.getAsJsonObject(kind).has(of)) {
      return without;
    }
    JsonArray words = rule.getAsJsonObject(kind).getAsJsonArray(of);
    for (JsonElement word : words) {
      if (held.contains(word.getAsString())) {
        return true;
      }
    }
    return false;
  }
}
