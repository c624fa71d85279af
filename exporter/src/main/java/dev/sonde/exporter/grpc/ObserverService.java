package dev.sonde.exporter.grpc;

import dev.sonde.exporter.model.Readiness;
import dev.sonde.exporter.model.Snapshot;
import dev.sonde.v1.ListWorkloadsRequest;
import dev.sonde.v1.ListWorkloadsResponse;
import dev.sonde.v1.ListedWorkload;
import dev.sonde.v1.ObserverGrpc;
import dev.sonde.v1.QueryRequest;
import dev.sonde.v1.QueryResponse;
import dev.sonde.v1.WatchEventsRequest;
import dev.sonde.v1.WatchEventsResponse;
import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;

/** The three methods; what each means is documented in {@code observer.proto}. */
final class ObserverService extends ObserverGrpc.ObserverImplBase {
  private final GrpcFrontend.Inputs inputs;
  private final EventWatches watches;

  ObserverService(GrpcFrontend.Inputs inputs, EventWatches watches) {
    this.inputs = inputs;
    this.watches = watches;
  }

  @Override
  public void listWorkloads(
      ListWorkloadsRequest request, StreamObserver<ListWorkloadsResponse> client) {
    ListWorkloadsResponse answer;
    try {
      answer = workloads(request);
    } catch (InvalidRequestException e) {
      refuse(client, e);
      return;
    }
    client.onNext(answer);
    client.onCompleted();
  }

  private ListWorkloadsResponse workloads(ListWorkloadsRequest request)
      throws InvalidRequestException {
    LabelSelector selector = LabelSelector.ofWorkloads(request.getMatchersList());
    int limit = QueryAnswer.limit("limit", request.getLimit());
    ListWorkloadsResponse.Builder out =
        ListWorkloadsResponse.newBuilder().setEpoch(inputs.events().epoch());
    long matched = 0;
    long bytes = 0;
    boolean truncated = false;
    for (WorkloadInfo w : inputs.workloads().get()) {
      if (!selector.matches(w.workload())) {
        continue;
      }
      matched++;
      if (truncated || out.getWorkloadsCount() == limit) {
        truncated = true;
        continue;
      }
      ListedWorkload listed = Messages.workload(w);
      bytes += listed.getSerializedSize() + QueryAnswer.FRAME_BYTES;
      if (bytes > GrpcLimits.ANSWER_BYTES) {
        truncated = true;
        continue;
      }
      out.addWorkloads(listed);
    }
    return out.setMatched(matched).setTruncated(truncated).build();
  }

  @Override
  public void query(QueryRequest request, StreamObserver<QueryResponse> client) {
    QueryAnswer answer;
    try {
      answer = QueryAnswer.parse(request);
    } catch (InvalidRequestException e) {
      refuse(client, e);
      return;
    }
    Snapshot snapshot = inputs.snapshot().get();
    if (snapshot == null) {
      client.onError(Status.UNAVAILABLE.withDescription(whyNoSnapshot()).asRuntimeException());
      return;
    }
    client.onNext(answer.of(inputs.events().epoch(), snapshot));
    client.onCompleted();
  }

  private String whyNoSnapshot() {
    return switch (inputs.readiness().get()) {
      case Readiness.Ready _ -> "no snapshot yet";
      case Readiness.NotReady(String reason) -> "no snapshot yet: " + reason;
    };
  }

  @Override
  public void watchEvents(WatchEventsRequest request, StreamObserver<WatchEventsResponse> client) {
    try {
      watches.begin(request, (ServerCallStreamObserver<WatchEventsResponse>) client);
    } catch (InvalidRequestException e) {
      refuse(client, e);
    }
  }

  private static void refuse(StreamObserver<?> client, InvalidRequestException e) {
    client.onError(Status.INVALID_ARGUMENT.withDescription(e.getMessage()).asRuntimeException());
  }
}
