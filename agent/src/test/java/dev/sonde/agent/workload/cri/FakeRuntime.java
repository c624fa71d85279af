package dev.sonde.agent.workload.cri;

import dev.sonde.agent.workload.cri.v1.ContainerEventResponse;
import dev.sonde.agent.workload.cri.v1.ContainerStatusRequest;
import dev.sonde.agent.workload.cri.v1.ContainerStatusResponse;
import dev.sonde.agent.workload.cri.v1.GetEventsRequest;
import dev.sonde.agent.workload.cri.v1.ListContainersRequest;
import dev.sonde.agent.workload.cri.v1.ListContainersResponse;
import dev.sonde.agent.workload.cri.v1.ListPodSandboxRequest;
import dev.sonde.agent.workload.cri.v1.ListPodSandboxResponse;
import dev.sonde.agent.workload.cri.v1.RuntimeServiceGrpc;
import dev.sonde.agent.workload.cri.v1.VersionRequest;
import dev.sonde.agent.workload.cri.v1.VersionResponse;
import io.grpc.InsecureServerCredentials;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.okhttp.OkHttpServerBuilder;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketAddress;
import java.net.SocketException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ServerSocketFactory;

/**
 * A runtime that says what it is told to, on a unix domain socket: a real server on a real socket,
 * for what no honest runtime does.
 */
final class FakeRuntime extends RuntimeServiceGrpc.RuntimeServiceImplBase implements AutoCloseable {
  volatile ListPodSandboxResponse pods = ListPodSandboxResponse.getDefaultInstance();
  volatile ListContainersResponse containers = ListContainersResponse.getDefaultInstance();
  volatile boolean hangs;
  volatile boolean refuses;
  volatile boolean offersEvents;
  final AtomicInteger asked = new AtomicInteger();
  final AtomicInteger statuses = new AtomicInteger();
  private final List<StreamObserver<ContainerEventResponse>> watchers =
      new CopyOnWriteArrayList<>();
  private final Path socket;
  private final Server server;

  FakeRuntime(Path socket) throws IOException {
    this.socket = socket;
    this.server =
        OkHttpServerBuilder.forPort(
                new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
                InsecureServerCredentials.create())
            .socketFactory(new Listening(socket))
            .addService(this)
            .build()
            .start();
  }

  @Override
  public void version(VersionRequest q, StreamObserver<VersionResponse> out) {
    answer(
        out, VersionResponse.newBuilder().setRuntimeName("fake").setRuntimeVersion("1.0").build());
  }

  @Override
  public void listPodSandbox(ListPodSandboxRequest q, StreamObserver<ListPodSandboxResponse> out) {
    asked.incrementAndGet();
    answer(out, pods);
  }

  @Override
  public void listContainers(ListContainersRequest q, StreamObserver<ListContainersResponse> out) {
    answer(out, containers);
  }

  @Override
  public void containerStatus(
      ContainerStatusRequest q, StreamObserver<ContainerStatusResponse> out) {
    statuses.incrementAndGet();
    ContainerStatusResponse.Builder status = ContainerStatusResponse.newBuilder();
    status.getStatusBuilder().getImageBuilder().setImage("registry.example/app:1");
    answer(out, status.build());
  }

  @Override
  public void getContainerEvents(GetEventsRequest q, StreamObserver<ContainerEventResponse> out) {
    if (offersEvents) {
      watchers.add(out);
    } else {
      out.onError(Status.UNIMPLEMENTED.asRuntimeException());
    }
  }

  void tellOfAChange() {
    watchers.forEach(w -> w.onNext(ContainerEventResponse.getDefaultInstance()));
  }

  boolean isWatched() {
    return !watchers.isEmpty();
  }

  private <T> void answer(StreamObserver<T> out, T value) {
    if (hangs) {
      return;
    }
    if (refuses) {
      out.onError(Status.INTERNAL.withDescription("on purpose").asRuntimeException());
      return;
    }
    out.onNext(value);
    out.onCompleted();
  }

  @Override
  public void close() throws IOException {
    server.shutdownNow();
    try {
      server.awaitTermination(5, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    Files.deleteIfExists(socket);
  }

  /** Whatever address it is asked for, listens on one unix domain socket. */
  private static final class Listening extends ServerSocketFactory {
    private final Path socket;

    Listening(Path socket) {
      this.socket = socket;
    }

    @Override
    public ServerSocket createServerSocket() throws IOException {
      ServerSocketChannel channel = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
      channel.bind(UnixDomainSocketAddress.of(socket));
      return new UnixServerSocket(channel);
    }

    @Override
    public ServerSocket createServerSocket(int port) throws IOException {
      return createServerSocket();
    }

    @Override
    public ServerSocket createServerSocket(int port, int backlog) throws IOException {
      return createServerSocket();
    }

    @Override
    public ServerSocket createServerSocket(int port, int backlog, java.net.InetAddress address)
        throws IOException {
      return createServerSocket();
    }
  }

  private static final class UnixServerSocket extends ServerSocket {
    private final ServerSocketChannel channel;

    UnixServerSocket(ServerSocketChannel channel) throws IOException {
      this.channel = channel;
    }

    @Override
    public void bind(SocketAddress address, int backlog) {}

    @Override
    public void bind(SocketAddress address) {}

    @Override
    public SocketAddress getLocalSocketAddress() {
      return new InetSocketAddress(InetAddress.getLoopbackAddress(), 1);
    }

    @Override
    public Socket accept() throws IOException {
      try {
        return new UnixSocket(channel.accept());
      } catch (java.nio.channels.ClosedChannelException e) {
        throw new SocketException("closed");
      }
    }

    @Override
    public void close() throws IOException {
      channel.close();
    }
  }
}
