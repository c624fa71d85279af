package dev.sonde.agent.truth;

import static dev.sonde.agent.truth.TcpMoved.proof;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.DynamicMessage;
import com.google.protobuf.Message;
import dev.sonde.exporter.grpc.GenericGrpcClient;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Waits that are long enough are events, with what they are of, whose, and between whom. */
class TcpWaitEventsIT {
  private static final int MESSAGES = 5;
  private static final int LATE_MILLIS = 250;
  private static final int THRESHOLD_MILLIS = 150;

  @Test
  void aReaderThatIsLateIsToldOf() throws InterruptedException {
    try (AgentProcess agent =
            AgentProcess.start(
                "--probes", "all,-sched", "--tcp-long-wait", THRESHOLD_MILLIS + "ms");
        GenericGrpcClient client = GenericGrpcClient.connect("127.0.0.1", agent.grpcPort());
        LossyPair net = LossyPair.create(0);
        PodCgroup readerPod = PodCgroup.create();
        PodCgroup writerPod = PodCgroup.create();
        TcpPeer reader = TcpPeer.startIpv4In(net.b(), readerPod);
        TcpPeer writer = TcpPeer.startIpv4In(net.a(), writerPod);
        GenericGrpcClient.Stream stream =
            client.stream(
                "sonde.v1.Observer/WatchEvents",
                "{\"kinds\":[\"EVENT_KIND_TCP_WAIT\"],\"matchers\":[{\"label\":\"pod\",\"equal\":\""
                    + readerPod.pod()
                    + "\"}]}")) {
      assertThat(stream.next()).as("started").isNotNull();
      int port = reader.listen(net.addressB());
      int from = writer.connect(net.addressB(), port);
      reader.tell("accept");
      reader.begin("late " + MESSAGES + " " + LATE_MILLIS);
      writer.tell("timed " + MESSAGES + " 500");
      long least = reader.answer();
      long most = (reader.tell("beganall") - writer.tell("beganall")) / 1000;
      double seconds = 0;
      Set<String> sides = new HashSet<>();
      for (int i = 0; i < MESSAGES; i++) {
        DynamicMessage answer = requireNonNull(stream.next(), "the stream ended");
        Message event = (Message) get(answer, "event");
        Message wait = (Message) get(event, "tcp_wait");
        assertThat(get(wait, "wait")).isEqualTo("receive");
        assertThat(get(wait, "state")).isEqualTo("established");
        sides.add(get(wait, "local") + " " + get(wait, "remote"));
        Message duration = (Message) get(event, "duration");
        seconds += (Long) get(duration, "seconds") + (Integer) get(duration, "nanos") / 1e9;
      }
      proof(
          "%d long receive waits, %.4f s; from being awake to having read %.4f s, from being sent"
              + " %.4f s",
          MESSAGES, seconds, least / 1e6, most / 1e6);
      assertThat(seconds).isBetween(least / 1e6, most / 1e6);
      assertThat(sides)
          .containsExactly(net.addressB() + ":" + port + " " + net.addressA() + ":" + from);
    }
  }

  private static Object get(Message message, String field) {
    return message.getField(message.getDescriptorForType().findFieldByName(field));
  }
}
