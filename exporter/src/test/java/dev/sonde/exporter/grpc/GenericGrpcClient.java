package dev.sonde.exporter.grpc;

import com.google.protobuf.ByteString;
import com.google.protobuf.DescriptorProtos.FileDescriptorProto;
import com.google.protobuf.Descriptors;
import com.google.protobuf.Descriptors.FileDescriptor;
import com.google.protobuf.DynamicMessage;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.util.JsonFormat;
import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.okhttp.OkHttpChannelBuilder;
import io.grpc.protobuf.ProtoUtils;
import io.grpc.reflection.v1.ServerReflectionGrpc;
import io.grpc.reflection.v1.ServerReflectionRequest;
import io.grpc.reflection.v1.ServerReflectionResponse;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.StreamObserver;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A gRPC client that knows no generated stubs of Sonde: it learns services and messages from the
 * server's reflection and speaks JSON, as grpcurl does.
 *
 * <pre>{@code
 * try (GenericGrpcClient client = GenericGrpcClient.connect("127.0.0.1", 9521)) {
 *   client.services();                                              // [grpc.health.v1.Health, ...]
 *   client.call("sonde.v1.Observer/Query", "{\"metrics\":[\"sonde_*\"]}");
 *   try (Stream events = client.stream("sonde.v1.Observer/WatchEvents", "{}")) {
 *     events.next(); // a message, or an exception with the call's status
 *   }
 * }
 * }</pre>
 *
 * <p>Usable by any thread. A call fails with {@link io.grpc.StatusRuntimeException}.
 */
public final class GenericGrpcClient implements AutoCloseable {
  /** For every answer: far more than it takes; only a hang is caught by it. */
  private static final int PATIENCE_SECONDS = 30;

  private final ManagedChannel channel;

  private GenericGrpcClient(ManagedChannel channel) {
    this.channel = channel;
  }

  /** Connects lazily: an absent server is told by the first call. */
  public static GenericGrpcClient connect(String host, int port) {
    return new GenericGrpcClient(
        OkHttpChannelBuilder.forAddress(host, port, InsecureChannelCredentials.create()).build());
  }

  /**
   * Prints the services, or the answers of one method, one JSON object a line.
   *
   * @param args {@code HOST PORT} or {@code HOST PORT METHOD JSON}
   */
  public static void main(String[] args) throws Exception {
    if (args.length != 2 && args.length != 4) {
      System.err.println("usage: HOST PORT [METHOD JSON]");
      System.exit(2);
    }
    try (GenericGrpcClient client = connect(args[0], Integer.parseInt(args[1]))) {
      if (args.length == 2) {
        client.services().forEach(System.out::println);
        return;
      }
      try (Stream answers = client.stream(args[2], args[3])) {
        for (DynamicMessage m = answers.next(); m != null; m = answers.next()) {
          System.out.println(JsonFormat.printer().omittingInsignificantWhitespace().print(m));
        }
      }
    }
  }

  /** The services' full names, in alphabetical order. */
  public List<String> services() {
    ServerReflectionResponse answer =
        reflect(ServerReflectionRequest.newBuilder().setListServices("*").build());
    return answer.getListServicesResponse().getServiceList().stream()
        .map(s -> s.getName())
        .sorted()
        .toList();
  }

  /** One request, one answer. */
  public DynamicMessage call(String method, String json) {
    Descriptors.MethodDescriptor m = method(method);
    return ClientCalls.blockingUnaryCall(
        channel,
        callable(m),
        CallOptions.DEFAULT.withDeadlineAfter(PATIENCE_SECONDS, TimeUnit.SECONDS),
        parse(m.getInputType(), json));
  }

  /** {@link #call} with the answer as JSON on one line. */
  public String callJson(String method, String json) throws InvalidProtocolBufferException {
    return JsonFormat.printer().omittingInsignificantWhitespace().print(call(method, json));
  }

  /** One request, any number of answers; reads as fast as the server sends. */
  public Stream stream(String method, String json) {
    Descriptors.MethodDescriptor m = method(method);
    return new Stream(channel.newCall(callable(m), CallOptions.DEFAULT), m, json, true);
  }

  /** Like {@link #stream}, but it takes only what {@link Stream#request} asks for. */
  public Stream lazyStream(String method, String json) {
    Descriptors.MethodDescriptor m = method(method);
    return new Stream(channel.newCall(callable(m), CallOptions.DEFAULT), m, json, false);
  }

  @Override
  public void close() {
    channel.shutdownNow();
  }

  /** The answers of a server-streaming call. */
  public static final class Stream implements AutoCloseable {
    private record End(Status status) {}

    private final ClientCall<DynamicMessage, DynamicMessage> call;
    private final LinkedBlockingQueue<Object> received = new LinkedBlockingQueue<>();

    private Stream(
        ClientCall<DynamicMessage, DynamicMessage> call,
        Descriptors.MethodDescriptor method,
        String json,
        boolean eager) {
      this.call = call;
      DynamicMessage request = parse(method.getInputType(), json);
      call.start(
          new ClientCall.Listener<>() {
            @Override
            public void onMessage(DynamicMessage message) {
              received.add(message);
              if (eager) {
                call.request(1);
              }
            }

            @Override
            public void onClose(Status status, Metadata trailers) {
              received.add(new End(status));
            }
          },
          new Metadata());
      call.sendMessage(request);
      call.halfClose();
      if (eager) {
        call.request(1);
      }
    }

    /** Takes so many messages more; for lazy streams. */
    public void request(int messages) {
      call.request(messages);
    }

    /** The next message; null at the end. Waits for it; a failed call throws its status. */
    public @Nullable DynamicMessage next() throws InterruptedException {
      return switch (received.take()) {
        case DynamicMessage m -> m;
        case End(Status status) -> {
          if (status.isOk()) {
            yield null;
          }
          throw status.asRuntimeException();
        }
        case Object other -> throw new AssertionError(other);
      };
    }

    /** How many messages, or the end, wait to be read. */
    public int waiting() {
      return received.size();
    }

    @Override
    public void close() {
      call.cancel("closed by the client", null);
    }
  }

  private Descriptors.MethodDescriptor method(String name) {
    int slash = name.indexOf('/');
    String service = name.substring(0, slash);
    Descriptors.ServiceDescriptor s = file(service).findServiceByName(simpleName(service));
    Descriptors.MethodDescriptor m =
        s == null ? null : s.findMethodByName(name.substring(slash + 1));
    if (m == null) {
      throw new IllegalArgumentException("the server has no method " + name);
    }
    return m;
  }

  private static String simpleName(String fullName) {
    return fullName.substring(fullName.lastIndexOf('.') + 1);
  }

  private FileDescriptor file(String symbol) {
    ServerReflectionResponse answer =
        reflect(ServerReflectionRequest.newBuilder().setFileContainingSymbol(symbol).build());
    if (answer.hasErrorResponse()) {
      throw new IllegalArgumentException(symbol + ": " + answer.getErrorResponse());
    }
    Map<String, FileDescriptorProto> files = new HashMap<>();
    FileDescriptorProto wanted = null;
    for (ByteString bytes : answer.getFileDescriptorResponse().getFileDescriptorProtoList()) {
      FileDescriptorProto f;
      try {
        f = FileDescriptorProto.parseFrom(bytes);
      } catch (InvalidProtocolBufferException e) {
        throw new IllegalArgumentException("reflection of " + symbol, e);
      }
      files.put(f.getName(), f);
      wanted = wanted == null ? f : wanted; // the file itself comes first, then what it imports
    }
    if (wanted == null) {
      throw new IllegalArgumentException("reflection of " + symbol + " is empty");
    }
    return build(wanted, files, new HashMap<>());
  }

  private static FileDescriptor build(
      FileDescriptorProto file,
      Map<String, FileDescriptorProto> files,
      Map<String, FileDescriptor> built) {
    FileDescriptor done = built.get(file.getName());
    if (done != null) {
      return done;
    }
    List<FileDescriptor> imports = new ArrayList<>();
    for (String name : file.getDependencyList()) {
      FileDescriptorProto imported = files.get(name);
      if (imported == null) {
        throw new IllegalArgumentException("reflection left out " + name);
      }
      imports.add(build(imported, files, built));
    }
    try {
      FileDescriptor d = FileDescriptor.buildFrom(file, imports.toArray(FileDescriptor[]::new));
      built.put(file.getName(), d);
      return d;
    } catch (Descriptors.DescriptorValidationException e) {
      throw new IllegalArgumentException(file.getName(), e);
    }
  }

  private ServerReflectionResponse reflect(ServerReflectionRequest request) {
    CompletableFuture<ServerReflectionResponse> answer = new CompletableFuture<>();
    StreamObserver<ServerReflectionRequest> requests =
        ServerReflectionGrpc.newStub(channel)
            .withDeadlineAfter(PATIENCE_SECONDS, TimeUnit.SECONDS)
            .serverReflectionInfo(
                new StreamObserver<>() {
                  @Override
                  public void onNext(ServerReflectionResponse response) {
                    answer.complete(response);
                  }

                  @Override
                  public void onError(Throwable t) {
                    answer.completeExceptionally(t);
                  }

                  @Override
                  public void onCompleted() {
                    answer.completeExceptionally(Status.INTERNAL.asRuntimeException());
                  }
                });
    requests.onNext(request);
    requests.onCompleted();
    return answer.join();
  }

  private static MethodDescriptor<DynamicMessage, DynamicMessage> callable(
      Descriptors.MethodDescriptor m) {
    return MethodDescriptor.<DynamicMessage, DynamicMessage>newBuilder()
        .setType(
            m.isServerStreaming()
                ? MethodDescriptor.MethodType.SERVER_STREAMING
                : MethodDescriptor.MethodType.UNARY)
        .setFullMethodName(
            MethodDescriptor.generateFullMethodName(m.getService().getFullName(), m.getName()))
        .setRequestMarshaller(
            ProtoUtils.marshaller(DynamicMessage.getDefaultInstance(m.getInputType())))
        .setResponseMarshaller(
            ProtoUtils.marshaller(DynamicMessage.getDefaultInstance(m.getOutputType())))
        .build();
  }

  private static DynamicMessage parse(Descriptors.Descriptor type, String json) {
    DynamicMessage.Builder message = DynamicMessage.newBuilder(type);
    try {
      JsonFormat.parser().merge(json, message);
    } catch (InvalidProtocolBufferException e) {
      throw new IllegalArgumentException(type.getFullName() + ": " + json, e);
    }
    return message.build();
  }
}
