package dev.sonde.agent.truth;

import com.google.protobuf.DynamicMessage;
import com.google.protobuf.Message;
import dev.sonde.exporter.grpc.GenericGrpcClient;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Counts the events of one kind and one pod that an agent streams, and those that it says it lost.
 *
 * <p>One daemon thread reads; any thread may ask.
 */
final class CountedEvents implements AutoCloseable {
  private final GenericGrpcClient client;
  private final GenericGrpcClient.Stream stream;
  private final AtomicLong seen = new AtomicLong();
  private final AtomicLong lost = new AtomicLong();

  /**
   * @param kind as in {@code EVENT_KIND_TCP_OPEN}
   */
  CountedEvents(AgentProcess agent, String kind, String pod) {
    client = GenericGrpcClient.connect("127.0.0.1", agent.grpcPort());
    stream =
        client.stream(
            "sonde.v1.Observer/WatchEvents",
            "{\"kinds\":[\"%s\"],\"matchers\":[{\"label\":\"pod\",\"equal\":\"%s\"}]}"
                .formatted(kind, pod));
    Thread.ofPlatform().daemon(true).start(this::read);
  }

  private void read() {
    try {
      for (DynamicMessage next = stream.next(); next != null; next = stream.next()) {
        if (has(next, "lost")) {
          Message gap = (Message) get(next, "lost");
          lost.addAndGet((Long) get(gap, "count"));
        } else if (!has(next, "started")) {
          seen.incrementAndGet();
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static boolean has(Message message, String field) {
    return message.hasField(message.getDescriptorForType().findFieldByName(field));
  }

  private static Object get(Message message, String field) {
    return message.getField(message.getDescriptorForType().findFieldByName(field));
  }

  long seen() {
    return seen.get();
  }

  long lost() {
    return lost.get();
  }

  @Override
  public void close() {
    stream.close();
    client.close();
  }
}
