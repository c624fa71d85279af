package dev.sonde.agent.workload.cri;

import dev.sonde.agent.guest.Patience;
import dev.sonde.agent.workload.cri.calls.Capabilities;
import dev.sonde.agent.workload.cri.calls.ContainerConfig;
import dev.sonde.agent.workload.cri.calls.ContainerMeta;
import dev.sonde.agent.workload.cri.calls.ContainerRequest;
import dev.sonde.agent.workload.cri.calls.ContainerSecurity;
import dev.sonde.agent.workload.cri.calls.CreateContainerRequest;
import dev.sonde.agent.workload.cri.calls.Image;
import dev.sonde.agent.workload.cri.calls.LinuxContainer;
import dev.sonde.agent.workload.cri.calls.LinuxSandbox;
import dev.sonde.agent.workload.cri.calls.ListedContainer;
import dev.sonde.agent.workload.cri.calls.Mount;
import dev.sonde.agent.workload.cri.calls.NamespaceMode;
import dev.sonde.agent.workload.cri.calls.NamespaceOption;
import dev.sonde.agent.workload.cri.calls.Nothing;
import dev.sonde.agent.workload.cri.calls.PodConfig;
import dev.sonde.agent.workload.cri.calls.PodMetadata;
import dev.sonde.agent.workload.cri.calls.PodSandboxRequest;
import dev.sonde.agent.workload.cri.calls.RunPodSandboxRequest;
import dev.sonde.agent.workload.cri.calls.RuntimeServiceGrpc;
import dev.sonde.agent.workload.cri.calls.SandboxSecurity;
import io.grpc.ManagedChannel;
import io.grpc.okhttp.OkHttpChannelBuilder;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.TimeUnit;

/** Makes and removes pods as the kubelet does, through a runtime's socket. Any thread. */
public final class CriCalls implements AutoCloseable {
  private final ManagedChannel channel;

  public CriCalls(Path socket) {
    channel =
        OkHttpChannelBuilder.forAddress("127.0.0.1", 1)
            .usePlaintext()
            .socketFactory(new UnixSocketFactory(socket))
            .overrideAuthority("localhost")
            .build();
  }

  /**
   * A pod as it is asked for.
   *
   * @param cgroupParent empty: the runtime's own choice
   */
  public record Pod(
      String namespace,
      String name,
      String uid,
      String cgroupParent,
      Map<String, String> labels,
      Map<String, String> annotations,
      boolean hostPid) {

    /** As the kubelet's cgroupfs driver places it. */
    public static Pod burstable(String namespace, String name) {
      return withUid(namespace, name, UUID.randomUUID().toString());
    }

    public static Pod withUid(String namespace, String name, String uid) {
      return new Pod(
          namespace, name, uid, "/kubepods/burstable/pod" + uid, Map.of(), Map.of(), false);
    }

    public Pod withLabels(Map<String, String> more) {
      return new Pod(namespace, name, uid, cgroupParent, more, annotations, hostPid);
    }

    public Pod withAnnotations(Map<String, String> more) {
      return new Pod(namespace, name, uid, cgroupParent, labels, more, hostPid);
    }

    public Pod withCgroupParent(String parent) {
      return new Pod(namespace, name, uid, parent, labels, annotations, hostPid);
    }

    public Pod withHostPid() {
      return new Pod(namespace, name, uid, cgroupParent, labels, annotations, true);
    }

    private PodConfig config() {
      return config(0);
    }

    private PodConfig config(int attempt) {
      return PodConfig.newBuilder()
          .setMetadata(
              PodMetadata.newBuilder()
                  .setName(name)
                  .setUid(uid)
                  .setNamespace(namespace)
                  .setAttempt(attempt))
          .putAllLabels(labels)
          .putAllAnnotations(annotations)
          .setLinux(
              LinuxSandbox.newBuilder()
                  .setCgroupParent(cgroupParent)
                  .setSecurityContext(
                      SandboxSecurity.newBuilder().setNamespaceOptions(namespaces())))
          .build();
    }

    /** The host's network: there is no CNI here, and loopback is all that is needed. */
    private NamespaceOption namespaces() {
      return NamespaceOption.newBuilder()
          .setNetwork(NamespaceMode.NODE)
          .setPid(hostPid ? NamespaceMode.NODE : NamespaceMode.CONTAINER)
          .setIpc(NamespaceMode.POD)
          .build();
    }
  }

  /** A container as it is asked for: {@code mounts} from the host's path to the container's. */
  public record Container(
      String name, int attempt, String image, List<String> command, Map<String, String> mounts) {
    public static Container of(String name, String image, String... command) {
      return new Container(name, 0, image, List.of(command), Map.of());
    }
  }

  private RuntimeServiceGrpc.RuntimeServiceBlockingStub stub() {
    return RuntimeServiceGrpc.newBlockingStub(channel)
        .withDeadlineAfter(Patience.seconds(60).toSeconds(), TimeUnit.SECONDS);
  }

  /** True; or the call fails, since the runtime's CRI is not up. */
  public boolean answers() {
    stub().listContainers(Nothing.getDefaultInstance());
    return true;
  }

  /** The sandbox's id. */
  public String run(Pod pod, int attempt) {
    return stub()
        .runPodSandbox(RunPodSandboxRequest.newBuilder().setConfig(pod.config(attempt)).build())
        .getPodSandboxId();
  }

  /** The ids of the containers whose cgroup is the pod's. */
  public List<String> containers(Pod pod) {
    return stub().listContainers(Nothing.getDefaultInstance()).getContainersList().stream()
        .filter(c -> c.getLabelsOrDefault("pod", "").equals(pod.uid()))
        .map(ListedContainer::getId)
        .toList();
  }

  /** The container's id; it is not started. */
  public String create(String sandbox, Pod pod, Container c) {
    ContainerConfig.Builder config =
        ContainerConfig.newBuilder()
            .setMetadata(ContainerMeta.newBuilder().setName(c.name()).setAttempt(c.attempt()))
            .setImage(Image.newBuilder().setImage(c.image()))
            .addAllCommand(c.command())
            .putLabels("pod", pod.uid())
            .setLinux(
                LinuxContainer.newBuilder()
                    .setSecurityContext(
                        ContainerSecurity.newBuilder()
                            .setCapabilities(Capabilities.getDefaultInstance())
                            .setNamespaceOptions(pod.namespaces())));
    c.mounts()
        .forEach(
            (host, inside) ->
                config.addMounts(Mount.newBuilder().setHostPath(host).setContainerPath(inside)));
    return stub()
        .createContainer(
            CreateContainerRequest.newBuilder()
                .setPodSandboxId(sandbox)
                .setConfig(config)
                .setSandboxConfig(pod.config())
                .build())
        .getContainerId();
  }

  public void start(String container) {
    var _ = stub().startContainer(ContainerRequest.newBuilder().setContainerId(container).build());
  }

  public void stop(String container) {
    var _ = stub().stopContainer(ContainerRequest.newBuilder().setContainerId(container).build());
  }

  public void remove(String container) {
    var _ = stub().removeContainer(ContainerRequest.newBuilder().setContainerId(container).build());
  }

  /** Stops and removes the pod with all its containers. */
  public void removePod(String sandbox) {
    PodSandboxRequest request = PodSandboxRequest.newBuilder().setPodSandboxId(sandbox).build();
    Nothing stopped = stub().stopPodSandbox(request);
    Nothing removed = stub().removePodSandbox(request);
    if (!stopped.equals(removed)) {
      throw new AssertionError("both answers are empty");
    }
  }

  @Override
  public void close() {
    channel.shutdownNow();
  }
}
