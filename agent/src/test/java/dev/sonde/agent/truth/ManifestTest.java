package dev.sonde.agent.truth;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sonde.agent.config.Config;
import dev.sonde.agent.config.ConfigLoader;
import dev.sonde.agent.config.Options;
import io.kubernetes.client.openapi.models.V1Container;
import io.kubernetes.client.openapi.models.V1ContainerPort;
import io.kubernetes.client.openapi.models.V1EnvVar;
import io.kubernetes.client.openapi.models.V1HTTPGetAction;
import io.kubernetes.client.openapi.models.V1Probe;
import io.kubernetes.client.openapi.models.V1SecurityContext;
import io.kubernetes.client.openapi.models.V1ServicePort;
import io.kubernetes.client.openapi.models.V1Volume;
import io.kubernetes.client.openapi.models.V1VolumeMount;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What daemonset.yaml must hold to, whoever edits it, and what it shares with the code. */
class ManifestTest {
  private static final Path ROOT = Path.of(System.getProperty("sonde.root"));

  /** Of the JVM beside its heap: measured, with room (docs/footprint.md). */
  private static final long NATIVE_BYTES = 128L << 20;

  private final DeployManifest manifest = DeployManifest.read();

  private static <T> T has(@Nullable T value) {
    return Objects.requireNonNull(value);
  }

  @Test
  void everyDocumentIsWhatTheApiKnows() {
    assertThat(manifest.kinds())
        .containsExactly(
            "Namespace",
            "ServiceAccount",
            "ClusterRole",
            "ClusterRoleBinding",
            "ConfigMap",
            "DaemonSet",
            "Service",
            "NetworkPolicy",
            "PodMonitor");
    assertThat(has(manifest.namespace().getMetadata()).getLabels())
        .containsEntry("pod-security.kubernetes.io/enforce", "privileged");
    assertThat(manifest.account().getAutomountServiceAccountToken()).isFalse();
    assertThat(has(manifest.binding().getSubjects()))
        .allMatch(s -> "sonde".equals(s.getNamespace()) && s.getName().equals("sonde"));
  }

  @Test
  void itIsNotPrivileged() {
    V1SecurityContext security = has(manifest.container().getSecurityContext());
    assertThat(security.getPrivileged()).isFalse();
    assertThat(security.getAllowPrivilegeEscalation()).isFalse();
    assertThat(security.getReadOnlyRootFilesystem()).isTrue();
    assertThat(security.getRunAsUser()).isZero();
    assertThat(has(security.getCapabilities()).getDrop()).containsExactly("ALL");
    assertThat(has(has(security.getSeccompProfile())).getType())
        .isIn("RuntimeDefault", "Localhost");
    assertThat(manifest.pod().getHostNetwork()).isNull();
    assertThat(manifest.pod().getHostIPC()).isNull();
    assertThat(manifest.pod().getAutomountServiceAccountToken()).isFalse();
  }

  /** Each of them has a row in the table that says what it is for. */
  @Test
  void everyCapabilityIsJustified() throws IOException {
    List<String> added =
        has(has(has(manifest.container().getSecurityContext()).getCapabilities()).getAdd());
    TreeSet<String> rows = new TreeSet<>();
    Matcher row = Pattern.compile("(?m)^\\| `CAP_([A-Z_]+)` \\|").matcher(read("docs/security.md"));
    while (row.find()) {
      rows.add(row.group(1));
    }
    assertThat(rows).containsExactlyInAnyOrderElementsOf(added).doesNotContain("SYS_ADMIN");
  }

  @Test
  void itMayAskForTheListOfPodsAndNothingElse() {
    assertThat(manifest.role().getRules())
        .singleElement()
        .satisfies(
            rule -> {
              assertThat(rule.getResources()).containsExactly("nodes/pods");
              assertThat(rule.getVerbs()).containsExactly("get");
            });
  }

  @Test
  void itSeesOfTheHostWhatItUses() {
    Map<String, String> hostPaths = new LinkedHashMap<>();
    for (V1Volume volume : has(manifest.pod().getVolumes())) {
      if (volume.getHostPath() != null) {
        hostPaths.put(volume.getName(), volume.getHostPath().getPath());
      }
    }
    assertThat(hostPaths)
        .containsOnly(
            Map.entry("cgroup", "/sys/fs/cgroup"), Map.entry("runtime", "/run/containerd"));
    List<V1VolumeMount> mounts = has(manifest.container().getVolumeMounts());
    assertThat(mounts).allMatch(m -> Boolean.TRUE.equals(m.getReadOnly()));
    assertThat(mounts.stream().map(V1VolumeMount::getName))
        .containsExactlyInAnyOrderElementsOf(
            manifest.pod().getVolumes().stream().map(V1Volume::getName).toList());
    // the paths that the arguments and the defaults name
    assertThat(mounts.stream().map(V1VolumeMount::getMountPath).toList())
        .contains(
            manifest.argument("cgroup-root"),
            has(Path.of(manifest.argument("token-file")).getParent()).toString(),
            has(Options.DEFAULT_FILE.getParent()).toString());
    assertThat(manifest.configuration().getData())
        .containsOnlyKeys(has(Options.DEFAULT_FILE.getFileName()).toString());
  }

  @Test
  void portsAndPathsAreThoseOfTheCode() {
    Config defaults = Config.defaults();
    int http = defaults.get(Options.LISTEN).port();
    int grpc = defaults.get(Options.GRPC_LISTEN).orElseThrow().port();
    V1Container container = manifest.container();
    Map<String, Integer> ports = new HashMap<>();
    for (V1ContainerPort port : has(container.getPorts())) {
      ports.put(port.getName(), port.getContainerPort());
    }
    assertThat(ports).containsOnly(Map.entry("metrics", http), Map.entry("grpc", grpc));
    assertThat(manifest.argument("listen")).endsWith(":" + http);
    assertThat(manifest.argument("grpc-listen")).endsWith(":" + grpc);
    assertThat(
            has(has(manifest.service().getSpec()).getPorts()).stream().map(V1ServicePort::getPort))
        .containsExactlyInAnyOrder(http, grpc);
    assertThat(path(has(container.getLivenessProbe()))).isEqualTo("/healthz");
    assertThat(path(has(container.getReadinessProbe()))).isEqualTo("/readyz");
    assertThat(path(has(container.getStartupProbe()))).isEqualTo("/readyz");
    assertThat(
            has(has(manifest.policy().getSpec()).getIngress()).stream()
                .flatMap(rule -> has(rule.getPorts()).stream())
                .map(p -> has(p.getPort()).getIntValue()))
        .containsExactlyInAnyOrder(http, grpc);
  }

  private static String path(V1Probe probe) {
    V1HTTPGetAction get = has(probe.getHttpGet());
    assertThat(get.getPort().getStrValue()).isEqualTo("metrics");
    return has(get.getPath());
  }

  @Test
  void itsArgumentsAndItsConfigurationAreValid() throws Exception {
    Map<String, List<String>> flags = new HashMap<>();
    for (String argument : has(manifest.container().getArgs())) {
      if (argument.startsWith("--")) {
        String[] parts = argument.substring(2).split("=", 2);
        flags.put(parts[0], List.of(parts[1].replace("$(POD_IP)", "10.0.0.7")));
      }
    }
    Config config = ConfigLoader.load(flags, Map.of(), List.of());
    assertThat(flags.keySet())
        .allMatch(f -> Options.ALL.stream().anyMatch(o -> o.name().equals(f)));
    assertThat(config.get(Options.TOKEN_FILE)).isPresent();
    assertThat(config.get(Options.INSECURE)).isFalse();
    Path file = Files.createTempFile("sonde", ".yaml");
    try {
      Files.writeString(file, has(manifest.configuration().getData()).get("sonde.yaml"));
      assertThat(
              ConfigLoader.load(Map.of("config", List.of(file.toString())), Map.of(), List.of())
                  .warnings())
          .isEmpty();
    } finally {
      Files.delete(file);
    }
    for (V1EnvVar variable : has(manifest.container().getEnv())) {
      assertThat(variable.getValueFrom()).as(variable.getName()).isNotNull();
    }
  }

  /** BPF maps count as the pod's from 5.11 on: a limit without them would kill the agent. */
  @Test
  void theMemoryLimitHoldsHeapNativeAndMaps() throws IOException {
    Matcher heap = Pattern.compile("-Xmx(\\d+)m").matcher(read("sonde"));
    assertThat(heap.find()).isTrue();
    long limit = DeployBundle.memoryBytes(manifest.container());
    String maps = manifest.argument("bpf-memory-limit");
    assertThat(maps).matches("\\d+MB");
    long needed =
        (Long.parseLong(heap.group(1)) << 20)
            + NATIVE_BYTES
            + Long.parseLong(maps.substring(0, maps.length() - 2)) * 1_000_000;
    assertThat(limit).isGreaterThanOrEqualTo(needed);
  }

  @Test
  void prometheusKeepsTheLabelsOfThePods() {
    Map<?, ?> spec = (Map<?, ?>) has(manifest.raw("PodMonitor").get("spec"));
    Map<?, ?> endpoint = (Map<?, ?>) ((List<?>) has(spec.get("podMetricsEndpoints"))).getFirst();
    assertThat(endpoint.get("honorLabels")).isEqualTo(true);
    assertThat(endpoint.get("path")).isEqualTo("/metrics");
    assertThat(endpoint.get("authorization")).isNotNull();
  }

  private static String read(String file) throws IOException {
    return Files.readString(ROOT.resolve(file));
  }
}
