package dev.sonde.agent.workload.cri;

import com.google.protobuf.MessageLite;
import dev.sonde.agent.workload.Answer;
import dev.sonde.agent.workload.ContainerIdentity;
import dev.sonde.agent.workload.LabelValue;
import dev.sonde.agent.workload.PodFacts;
import dev.sonde.agent.workload.PodIdentity;
import dev.sonde.agent.workload.cri.v1.Container;
import dev.sonde.agent.workload.cri.v1.ContainerEventResponse;
import dev.sonde.agent.workload.cri.v1.ContainerMetadata;
import dev.sonde.agent.workload.cri.v1.ContainerStatusRequest;
import dev.sonde.agent.workload.cri.v1.ContainerStatusResponse;
import dev.sonde.agent.workload.cri.v1.GetEventsRequest;
import dev.sonde.agent.workload.cri.v1.ImageSpec;
import dev.sonde.agent.workload.cri.v1.ListContainersRequest;
import dev.sonde.agent.workload.cri.v1.ListContainersResponse;
import dev.sonde.agent.workload.cri.v1.ListPodSandboxRequest;
import dev.sonde.agent.workload.cri.v1.ListPodSandboxResponse;
import dev.sonde.agent.workload.cri.v1.PodSandbox;
import dev.sonde.agent.workload.cri.v1.PodSandboxMetadata;
import dev.sonde.agent.workload.cri.v1.RuntimeServiceGrpc;
import dev.sonde.agent.workload.cri.v1.VersionRequest;
import dev.sonde.agent.workload.cri.v1.VersionResponse;
import io.grpc.CallOptions;
import io.grpc.Deadline;
import io.grpc.ManagedChannel;
import io.grpc.MethodDescriptor;
import io.grpc.StatusRuntimeException;
import io.grpc.okhttp.OkHttpChannelBuilder;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.StreamObserver;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * One connection to a runtime.
 *
 * <p>Calls come from one thread; {@link #close} may come from another and ends a call under way.
 */
final class CriConnection implements AutoCloseable {
  /** What the kubelet itself takes. */
  static final int MOST_BYTES = 16 << 20;

  /** How many images are looked up at a time: the others have their digest meanwhile. */
  private static final int MOST_STATUSES = 32;

  private static final int MOST_IMAGE = 200;

  /** A runtime that keeps no name for the image says its digest. */
  private static final String DIGEST = "sha256:";

  private record SandboxRow(String id, @Nullable PodIdentity pod) {}

  private record ContainerRow(
      String id, String sandbox, String name, String image, long createdNanos) {}

  private final Path socket;
  private final ManagedChannel channel;
  private final Runnable changed;
  private final MethodDescriptor<ListPodSandboxRequest, List<SandboxRow>> listSandboxes;
  private final MethodDescriptor<ListContainersRequest, List<ContainerRow>> listContainers;
  private Map<String, String> images = Map.of();
  private String runtime = "";
  private Deadline deadline = Deadline.after(0, TimeUnit.MILLISECONDS);

  CriConnection(Path socket, PodFacts facts, Runnable changed) {
    this.socket = socket;
    this.changed = changed;
    this.channel =
        // An address that is never used: the factory connects to the socket whatever it is asked.
        OkHttpChannelBuilder.forAddress("127.0.0.1", 1)
            .usePlaintext()
            .socketFactory(new UnixSocketFactory(socket))
            // Go's server refuses other names of a socket.
            .overrideAuthority("localhost")
            .maxInboundMessageSize(MOST_BYTES)
            .directExecutor()
            .build();
    this.listSandboxes =
        RuntimeServiceGrpc.getListPodSandboxMethod().toBuilder(
                RuntimeServiceGrpc.getListPodSandboxMethod().getRequestMarshaller(),
                new ListParser<>(PodSandbox.parser(), p -> row(p, facts), Answer.MAX_PODS))
            .build();
    this.listContainers =
        RuntimeServiceGrpc.getListContainersMethod().toBuilder(
                RuntimeServiceGrpc.getListContainersMethod().getRequestMarshaller(),
                new ListParser<>(Container.parser(), CriConnection::row, Answer.MAX_CONTAINERS))
            .build();
  }

  Path socket() {
    return socket;
  }

  private static SandboxRow row(PodSandbox p, PodFacts facts) {
    PodIdentity pod =
        facts.pod(
            // Made without a pod, by hand: it is its own.
            p.getMetadata().getUid().isEmpty() ? p.getId() : p.getMetadata().getUid(),
            p.getMetadata().getNamespace(),
            p.getMetadata().getName(),
            p.getLabelsMap(),
            p.getAnnotationsMap(),
            null,
            p.getCreatedAt());
    return new SandboxRow(p.getId(), pod);
  }

  private static ContainerRow row(Container c) {
    String told = c.getImage().getUserSpecifiedImage();
    String image = told.isEmpty() ? c.getImage().getImage() : told;
    return new ContainerRow(
        c.getId(),
        c.getPodSandboxId(),
        c.getMetadata().getName(),
        image.isEmpty() ? c.getImageRef() : image,
        c.getCreatedAt());
  }

  private <Q, A> A call(MethodDescriptor<Q, A> method, Q request) {
    return ClientCalls.blockingUnaryCall(
        channel, method, CallOptions.DEFAULT.withDeadline(deadline), request);
  }

  /**
   * @param millis for all calls together
   */
  Answer ask(int millis) {
    deadline = Deadline.after(millis, TimeUnit.MILLISECONDS);
    if (runtime.isEmpty()) {
      greet();
    }
    // Sandboxes last: then each container that is listed has its own in the list.
    List<ContainerRow> rows = call(listContainers, ListContainersRequest.getDefaultInstance());
    List<SandboxRow> sandboxes = call(listSandboxes, ListPodSandboxRequest.getDefaultInstance());
    List<PodIdentity> pods = new ArrayList<>();
    List<ContainerIdentity> containers = new ArrayList<>();
    Map<String, String> uids = new HashMap<>();
    for (SandboxRow s : sandboxes) {
      PodIdentity pod = s.pod();
      if (pod != null && uids.putIfAbsent(s.id(), pod.uid()) == null) {
        pods.add(pod);
        containers.add(
            new ContainerIdentity(PodFacts.clean(s.id()), pod.uid(), "", "", pod.createdNanos()));
      }
    }
    Map<String, String> found = images(rows);
    for (ContainerRow c : rows) {
      String uid = uids.get(c.sandbox());
      String name = PodFacts.clean(c.name());
      if (uid != null && !name.isEmpty()) {
        String image = found.getOrDefault(c.id(), c.image());
        containers.add(
            new ContainerIdentity(
                PodFacts.clean(c.id()),
                uid,
                name,
                LabelValue.clean(image, MOST_IMAGE),
                c.createdNanos()));
      }
    }
    return new Answer(pods, containers, runtime);
  }

  private void greet() {
    rehearse();
    VersionResponse v =
        call(RuntimeServiceGrpc.getVersionMethod(), VersionRequest.getDefaultInstance());
    runtime =
        PodFacts.clean("%s %s at %s".formatted(v.getRuntimeName(), v.getRuntimeVersion(), socket));
    watch();
  }

  /**
   * Reads lists of nobody's. The first list with anything in it loads classes for a third of a
   * second: on a node that had no pods that would be while the first pod runs, which may have come
   * and gone before the next list.
   */
  private void rehearse() {
    PodSandbox pod =
        PodSandbox.newBuilder()
            .setId("-")
            .setMetadata(PodSandboxMetadata.newBuilder().setUid("-").setName("-"))
            .putLabels("-", "-")
            .putAnnotations("-", "-")
            .build();
    Container container =
        Container.newBuilder()
            .setId("-")
            .setMetadata(ContainerMetadata.newBuilder().setName("-"))
            .setImage(ImageSpec.newBuilder().setImage("-"))
            .build();
    read(listSandboxes, ListPodSandboxResponse.newBuilder().addItems(pod).build());
    read(listContainers, ListContainersResponse.newBuilder().addContainers(container).build());
  }

  private static <A> A read(MethodDescriptor<?, A> method, MessageLite answer) {
    return method.parseResponse(answer.toByteString().newInput());
  }

  /** The list says the image's digest where the kubelet pulled it; its name is in the status. */
  private Map<String, String> images(List<ContainerRow> rows) {
    Map<String, String> found = new HashMap<>();
    int asked = 0;
    for (ContainerRow row : rows) {
      if (!row.image().startsWith(DIGEST)) {
        continue;
      }
      String image = images.get(row.id());
      if (image == null && asked < MOST_STATUSES) {
        asked++;
        image = image(row);
      }
      if (image != null) {
        found.put(row.id(), image);
      }
    }
    images = found;
    return found;
  }

  private String image(ContainerRow row) {
    try {
      ContainerStatusResponse status =
          call(
              RuntimeServiceGrpc.getContainerStatusMethod(),
              ContainerStatusRequest.newBuilder().setContainerId(row.id()).build());
      String image = status.getStatus().getImage().getImage();
      return image.isEmpty() ? row.image() : image;
    } catch (StatusRuntimeException e) {
      // Removed meanwhile, most likely. Without its image it still has a name.
      return row.image();
    }
  }

  /** Where the runtime tells of changes, it need not be asked whether there are any. */
  private void watch() {
    ClientCalls.asyncServerStreamingCall(
        channel.newCall(RuntimeServiceGrpc.getGetContainerEventsMethod(), CallOptions.DEFAULT),
        GetEventsRequest.getDefaultInstance(),
        new StreamObserver<ContainerEventResponse>() {
          @Override
          public void onNext(ContainerEventResponse event) {
            changed.run();
          }

          @Override
          public void onError(Throwable t) {
            // Not offered (containerd before 1.7), or the connection ended: the lists do without.
          }

          @Override
          public void onCompleted() {}
        });
  }

  @Override
  public void close() {
    channel.shutdownNow();
  }
}
