package dev.sonde.agent.truth;

import com.google.gson.Gson;
import com.google.gson.JsonElement;
import io.kubernetes.client.openapi.JSON;
import io.kubernetes.client.openapi.models.V1ClusterRole;
import io.kubernetes.client.openapi.models.V1ClusterRoleBinding;
import io.kubernetes.client.openapi.models.V1ConfigMap;
import io.kubernetes.client.openapi.models.V1Container;
import io.kubernetes.client.openapi.models.V1DaemonSet;
import io.kubernetes.client.openapi.models.V1Namespace;
import io.kubernetes.client.openapi.models.V1NetworkPolicy;
import io.kubernetes.client.openapi.models.V1PodSpec;
import io.kubernetes.client.openapi.models.V1Service;
import io.kubernetes.client.openapi.models.V1ServiceAccount;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;

/**
 * {@code daemonset.yaml}, read through the models of the Kubernetes API, which know every field and
 * refuse others.
 */
final class DeployManifest {
  private static final Gson GSON = new Gson();

  private final List<Map<?, ?>> documents = new ArrayList<>();

  private DeployManifest() {}

  static DeployManifest read() {
    Path file = Path.of(System.getProperty("sonde.root"), "daemonset.yaml");
    DeployManifest manifest = new DeployManifest();
    try {
      Load load = new Load(LoadSettings.builder().setLabel(file.toString()).build());
      for (Object document : load.loadAllFromString(Files.readString(file))) {
        manifest.documents.add((Map<?, ?>) document);
      }
    } catch (IOException e) {
      throw new AssertionError(file.toString(), e);
    }
    return manifest;
  }

  List<String> kinds() {
    return documents.stream().map(d -> String.valueOf(d.get("kind"))).toList();
  }

  /** A document as it was written. */
  Map<?, ?> raw(String kind) {
    return documents.stream().filter(d -> kind.equals(d.get("kind"))).findFirst().orElseThrow();
  }

  /** Throws on a field that the API does not have. */
  private interface Checked {
    void check(JsonElement document) throws IOException;
  }

  private <T> T model(String kind, Checked checked, Class<T> type) {
    JsonElement json = GSON.toJsonTree(raw(kind));
    try {
      checked.check(json);
    } catch (IOException | IllegalArgumentException e) {
      throw new AssertionError(kind + ": " + e.getMessage(), e);
    }
    return Objects.requireNonNull(JSON.getGson().fromJson(json, type));
  }

  V1DaemonSet daemonSet() {
    return model("DaemonSet", V1DaemonSet::validateJsonElement, V1DaemonSet.class);
  }

  V1PodSpec pod() {
    return Objects.requireNonNull(
        Objects.requireNonNull(daemonSet().getSpec()).getTemplate().getSpec());
  }

  V1Container container() {
    return pod().getContainers().getFirst();
  }

  V1Namespace namespace() {
    return model("Namespace", V1Namespace::validateJsonElement, V1Namespace.class);
  }

  V1ServiceAccount account() {
    return model("ServiceAccount", V1ServiceAccount::validateJsonElement, V1ServiceAccount.class);
  }

  V1ClusterRole role() {
    return model("ClusterRole", V1ClusterRole::validateJsonElement, V1ClusterRole.class);
  }

  V1ClusterRoleBinding binding() {
    return model(
        "ClusterRoleBinding",
        V1ClusterRoleBinding::validateJsonElement,
        V1ClusterRoleBinding.class);
  }

  V1ConfigMap configuration() {
    return model("ConfigMap", V1ConfigMap::validateJsonElement, V1ConfigMap.class);
  }

  V1Service service() {
    return model("Service", V1Service::validateJsonElement, V1Service.class);
  }

  V1NetworkPolicy policy() {
    return model("NetworkPolicy", V1NetworkPolicy::validateJsonElement, V1NetworkPolicy.class);
  }

  /** The value of an argument {@code --name=value}; empty without. */
  String argument(String name) {
    for (String argument : Objects.requireNonNull(container().getArgs())) {
      if (argument.startsWith("--" + name + "=")) {
        return argument.substring(name.length() + 3);
      }
    }
    return "";
  }
}
