package dev.sonde.agent.truth;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.google.protobuf.DynamicMessage;
import com.google.protobuf.Message;
import dev.sonde.agent.KernelTest;
import dev.sonde.exporter.grpc.GenericGrpcClient;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Direct reclaim against PSI, and kills against the memory cgroup's own count. */
@KernelTest
@Timeout(120)
class MemoryIT {
  private static final String RECLAIM = "sonde_memory_reclaim_seconds_total";
  private static final String KILLS = "sonde_oom_kills_total";
  private static final long MIB = 1 << 20;

  @TempDir static Path directory;

  /**
   * One process reads a file that is larger than its limit, and makes room itself. Its cgroup's
   * memory pressure is the time in which it was held up: a stall begins before the reclaim and ends
   * after it, so that the pressure is a little more. On one CPU, since a pressure total is an
   * average over the CPUs that the cgroup used.
   */
  @ParameterizedTest
  @ValueSource(strings = {"tp_btf", "raw_tp", "tracepoint"})
  void reclaimIsWhatThePressureFileSays(String mechanism) throws IOException {
    Path file = directory.resolve("large");
    if (!Files.exists(file)) {
      Command.run("dd", "if=/dev/zero", "of=" + file, "bs=1M", "count=400", "conv=fsync");
      Command.run("sh", "-c", forget(file));
    }
    try (TraceFs tracing = TraceFs.mounted();
        AgentProcess agent =
            AgentProcess.start(
                "--probes", "memory_reclaim", "--mechanism", "memory_reclaim=" + mechanism);
        PodCgroup pod = PodCgroup.create();
        PodCgroup other = PodCgroup.create();
        MemoryCgroup memory = MemoryCgroup.limit(pod, 24 * MIB)) {
      assertThat(tracing).isNotNull();
      String pass = "dd if=" + file + " of=/dev/null bs=256k 2> /dev/null; " + forget(file) + "; ";
      Path output = Files.createTempFile(directory, "reader", ".out");
      pod.start(
          output,
          "taskset",
          "-c",
          "0",
          "sh",
          "-c",
          memory.join() + pass.repeat(4) + "echo done; sleep 1000");
      Process idle = other.start("sleep", "1000");
      awaitDone(output);
      Scrape scrape = agent.fresh();
      Psi psi = Psi.read(pressure(pod));
      double reclaim = scrape.sum(RECLAIM, pod.labels());
      System.out.printf(
          "proof: %s: reclaim %.6f s, memory pressure some %.6f full %.6f (%.1f%% of some); lost %s%n",
          mechanism,
          reclaim,
          psi.some(),
          psi.full(),
          100 * reclaim / psi.some(),
          scrape.sum("sonde_events_lost_total"));
      assertThat(idle.isAlive()).isTrue();
      assertThat(reclaim).isPositive().isBetween(0.9 * psi.some(), 1.005 * psi.some());
      assertThat(scrape.sum(RECLAIM, other.labels())).isZero();
      assertThat(scrape.sum("sonde_events_lost_total")).isZero();
    }
  }

  private static Path pressure(PodCgroup pod) {
    return pod.directories().stream()
        .map(d -> d.resolve("memory.pressure"))
        .filter(Files::exists)
        .findFirst()
        .orElseThrow(() -> new AssertionError("no memory.pressure: needs a kernel with PSI, v2"));
  }

  /** A command that throws the file's pages out of memory, and nobody else's. */
  private static String forget(Path file) {
    return "dd of=" + file + " oflag=nocache conv=notrunc,fdatasync count=0 2> /dev/null";
  }

  private static void awaitDone(Path output) {
    await("the work to be done")
        .atMost(Duration.ofSeconds(90))
        .until(() -> Files.readString(output).contains("done"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"tp_btf", "raw_tp"})
  void killsAreCountedForTheVictimAndStreamed(String mechanism)
      throws InterruptedException, IOException {
    try (AgentProcess agent =
            AgentProcess.start("--probes", "oom", "--mechanism", "oom=" + mechanism);
        GenericGrpcClient client = GenericGrpcClient.connect("127.0.0.1", agent.grpcPort());
        PodCgroup pod = PodCgroup.create();
        PodCgroup other = PodCgroup.create();
        MemoryCgroup memory = MemoryCgroup.limit(pod, 16 * MIB)) {
      await("gRPC")
          .atMost(Duration.ofSeconds(20))
          .ignoreExceptions()
          .until(() -> !client.services().isEmpty());
      GenericGrpcClient.Stream stream =
          client.stream("sonde.v1.Observer/WatchEvents", "{\"kinds\":[\"EVENT_KIND_OOM_KILL\"]}");
      requireNonNull(stream.next(), "started");
      long before = memory.oomKills();
      // tail keeps the one endless line it is given; some are killed by others than the kernel
      Path output = Files.createTempFile(directory, "hungry", ".out");
      pod.start(
          output,
          "sh",
          "-c",
          memory.join()
              + "for i in 1 2 3 4 5; do tail /dev/zero; done;"
              + " for i in 1 2 3; do sleep 100 & kill -9 $!; wait; done; echo done; sleep 1000");
      Process bystander = other.start("sh", "-c", "sleep 100 & kill -9 $!; wait; sleep 1000");
      awaitDone(output);
      long truth = memory.oomKills() - before;
      Scrape scrape = agent.fresh();
      List<String> events = new ArrayList<>();
      for (int i = 0; i < truth; i++) {
        await("an event").atMost(Duration.ofSeconds(10)).until(() -> stream.waiting() > 0);
        events.add(describe(requireNonNull(stream.next(), "ended")));
      }
      System.out.printf(
          "proof: %s: the memory cgroup counts %d kills, Sonde %.0f; events %s%n",
          mechanism, truth, scrape.sum(KILLS, pod.labels()), events);
      assertThat(truth).isEqualTo(5);
      assertThat(scrape.sum(KILLS, pod.labels())).isEqualTo(truth);
      assertThat(scrape.sum(KILLS, other.labels())).isZero();
      assertThat(scrape.sum(KILLS)).isEqualTo(truth);
      assertThat(events).allSatisfy(e -> assertThat(e).isEqualTo(pod.pod() + " tail"));
      assertThat(stream.waiting()).isZero();
      assertThat(bystander.isAlive()).isTrue();
      assertThat(scrape.sum("sonde_events_lost_total")).isZero();
    }
  }

  private static String describe(DynamicMessage answer) {
    Message event = (Message) get(answer, "event");
    Message kill = (Message) get(event, "oom_kill");
    assertThat((Integer) get(kill, "pid")).isPositive();
    return get((Message) get(event, "workload"), "pod") + " " + get(kill, "command");
  }

  private static Object get(Message message, String field) {
    return message.getField(message.getDescriptorForType().findFieldByName(field));
  }
}
