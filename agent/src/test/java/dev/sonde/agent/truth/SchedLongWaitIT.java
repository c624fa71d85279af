package dev.sonde.agent.truth;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.google.protobuf.DynamicMessage;
import com.google.protobuf.Message;
import dev.sonde.agent.KernelTest;
import dev.sonde.exporter.grpc.GenericGrpcClient;
import java.time.Duration;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Waits longer than a threshold as events: each is sent, or counted as held back. */
@KernelTest
@Timeout(120)
class SchedLongWaitIT {
  private static final int CPU = Runtime.getRuntime().availableProcessors() - 1;

  private static Object get(Message message, String field) {
    return message.getField(message.getDescriptorForType().findFieldByName(field));
  }

  private static String pod(Message workload) {
    return (String) get(workload, "pod");
  }

  /** gRPC comes up after the first scrape can be served. */
  private static GenericGrpcClient connect(AgentProcess agent) {
    await("gRPC").atMost(Duration.ofSeconds(60)).until(() -> agent.log().contains("agent started"));
    return GenericGrpcClient.connect("127.0.0.1", agent.grpcPort());
  }

  @ParameterizedTest
  @ValueSource(strings = {"ring", "perf"})
  void everyLongWaitIsSentOrCounted(String buffer) throws InterruptedException {
    try (AgentProcess agent =
            AgentProcess.start(
                "--probes",
                "sched",
                "--sched-long-wait",
                "3ms",
                "--sched-deadlines",
                "3ms",
                "--mechanism",
                "buffer=" + buffer);
        GenericGrpcClient client = connect(agent);
        PodCgroup busy = PodCgroup.create();
        PodCgroup victims = PodCgroup.create();
        CpuShare prefer = CpuShare.preferPods(busy);
        GenericGrpcClient.Stream stream =
            client.stream(
                "sonde.v1.Observer/WatchEvents",
                "{\"kinds\":[\"EVENT_KIND_SCHED_WAIT\"],\"matchers\":[{\"label\":\"pod\",\"equal\":\""
                    + victims.pod()
                    + "\"}]}")) {
      requireNonNull(stream.next(), "started");
      CpuShare.weigh(busy, 4096);
      Worker hog = Worker.hog(busy, CPU);
      Worker victim = Worker.hog(victims, CPU);
      hog.go();
      victim.go();
      double before = victim.books().waited();
      await("the victim to wait")
          .atMost(Duration.ofSeconds(60))
          .until(() -> victim.books().waited() - before > 2);
      victim.halt();
      hog.halt();

      Scrape last = agent.fresh();
      // the waits are read first, what became of them then: the waits of a later look are the bound
      double most = agent.fresh().sum("sonde_sched_deadline_misses_total", "threshold", "3ms");
      double misses = last.sum("sonde_sched_deadline_misses_total", "threshold", "3ms");
      double written = last.sum("sonde_events_written_total");
      double suppressed = last.sum("sonde_events_lost_total", "where", "suppressed");
      double reserve = last.sum("sonde_events_lost_total", "where", "reserve");
      int events = 0;
      int byBusy = 0;
      while (stream.waiting() > 0) {
        DynamicMessage next = requireNonNull(stream.next());
        Message event = (Message) get(next, "event");
        Message wait = (Message) get(event, "sched_wait");
        Message duration = (Message) get(event, "duration");
        long nanos =
            (Long) get(duration, "seconds") * 1_000_000_000 + (Integer) get(duration, "nanos");
        assertThat(nanos).isGreaterThan(3_000_000);
        assertThat(pod((Message) get(event, "workload"))).isEqualTo(victims.pod());
        assertThat(get(wait, "cpu")).isEqualTo(CPU);
        assertThat((String) get(wait, "reason")).isIn("preempted", "wakeup");
        events++;
        byBusy += pod((Message) get(wait, "culprit")).equals(busy.pod()) ? 1 : 0;
      }
      System.out.printf(
          "proof: %s: waits over 3 ms of all workloads %.0f = sent %.0f + held back %.0f + lost"
              + " %.0f; %d of the victim, %d name the busy pod%n",
          buffer, misses, written, suppressed, reserve, events, byBusy);
      assertThat(written + suppressed + reserve).isBetween(misses, most);
      assertThat(suppressed).isPositive();
      assertThat(events).isBetween(3, 200);
      assertThat(byBusy).isGreaterThanOrEqualTo(events * 9 / 10);
      assertThat(prefer).isNotNull();
    }
  }
}
