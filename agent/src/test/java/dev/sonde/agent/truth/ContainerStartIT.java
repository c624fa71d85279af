package dev.sonde.agent.truth;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.google.protobuf.DynamicMessage;
import com.google.protobuf.Message;
import dev.sonde.agent.KernelTest;
import dev.sonde.agent.guest.Patience;
import dev.sonde.exporter.grpc.GenericGrpcClient;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A server that sleeps for known times and says when it did what, by the clock that Sonde uses:
 * each phase must lie between the server's looks at the clock before and after its call.
 */
@KernelTest
@Timeout(120)
class ContainerStartIT {
  private static final String START = "sonde_container_start_seconds";

  @TempDir Path directory;

  /** What the server wrote: step to the clock before and after it. */
  private static Map<String, long[]> steps(Path output) throws IOException {
    Map<String, long[]> steps = new HashMap<>();
    if (Files.exists(output)) {
      for (String line : Files.readAllLines(output)) {
        String[] f = line.split(" ");
        long[] numbers = new long[f.length - 1];
        for (int i = 1; i < f.length; i++) {
          numbers[i - 1] = Long.parseLong(f[i]);
        }
        steps.put(f[0], numbers);
      }
    }
    return steps;
  }

  private static long[] step(Path output, String name) {
    await(name)
        .atMost(Patience.seconds(30))
        .pollInterval(Duration.ofMillis(10))
        .until(() -> steps(output).containsKey(name));
    try {
      return requireNonNull(steps(output).get(name));
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  /** Is its client, for one request. */
  private static void ask(int port) throws IOException {
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
      socket.getOutputStream().write("request".getBytes(StandardCharsets.US_ASCII));
      assertThat(socket.getInputStream().readNBytes(6)).hasSize(6);
    }
  }

  /**
   * @param begun before the exec, by {@link System#nanoTime}
   */
  static void check(AgentProcess agent, PodCgroup pod, Path output, long begun) throws IOException {
    int port = (int) step(output, "listen")[2];
    Scrape listening = agent.fresh();
    assertThat(listening.samples(START, pod.labels())).hasSize(1);
    ask(port);
    step(output, "send");
    Scrape scrape = agent.fresh();
    long main = step(output, "main")[0];
    boolean seesAccept =
        !scrape
                .samples("sonde_probe_up", "probe", "container_start", "mechanism", "fexit")
                .isEmpty()
            || !scrape
                .samples("sonde_probe_up", "probe", "container_start", "mechanism", "kretprobe")
                .isEmpty();
    // without a hook in accept() the first use of the connection stands for it
    for (String phase : List.of("listen", "accept", "first_byte")) {
      long[] clock =
          step(
              output,
              switch (phase) {
                case "accept" -> seesAccept ? "accept" : "read";
                case "first_byte" -> "send";
                default -> phase;
              });
      double least = (clock[0] - main) / 1e9;
      double most = (clock[1] - begun) / 1e9;
      double is = scrape.sum(START, pod.labels("phase", phase));
      System.out.printf("proof: %s %.6f s in [%.6f, %.6f]%n", phase, is, least, most);
      assertThat(is).as(phase).isBetween(least, most);
    }
  }

  @Test
  void phasesOfAProcessInAFreshCgroup() throws IOException, InterruptedException {
    Path server = Compiled.program(Files.createTempDirectory(directory, "c"), "server");
    Path output = directory.resolve("said");
    try (AgentProcess agent = AgentProcess.start();
        GenericGrpcClient client = GenericGrpcClient.connect("127.0.0.1", agent.grpcPort());
        PodCgroup pod = PodCgroup.create()) {
      await("gRPC")
          .atMost(Duration.ofSeconds(20))
          .ignoreExceptions()
          .until(() -> !client.services().isEmpty());
      GenericGrpcClient.Stream stream =
          client.stream(
              "sonde.v1.Observer/WatchEvents",
              "{\"kinds\":[\"EVENT_KIND_CONTAINER_START\"],\"matchers\":[{\"label\":\"pod\",\"equal\":\""
                  + pod.pod()
                  + "\"}]}");
      requireNonNull(stream.next(), "started");
      long begun = System.nanoTime();
      pod.start(server.toString(), output.toString(), "300", "200", "150", "100");
      check(agent, pod, output, begun);
      await("the event").atMost(Duration.ofSeconds(10)).until(() -> stream.waiting() > 0);
      DynamicMessage answer = requireNonNull(stream.next(), "ended");
      Message event = (Message) get(answer, "event");
      Message start = (Message) get(event, "container_start");
      Scrape scrape = agent.scrape();
      assertThat(seconds(get(start, "until_listen")))
          .isEqualTo(scrape.sum(START, pod.labels("phase", "listen")));
      assertThat(seconds(get(start, "until_accept")))
          .isEqualTo(scrape.sum(START, pod.labels("phase", "accept")));
      assertThat(seconds(get(event, "duration")))
          .isEqualTo(scrape.sum(START, pod.labels("phase", "first_byte")));
      assertThat(stream.waiting()).isZero();
    }
  }

  /** What an entry point executes before it becomes the server is part of the start. */
  @Test
  void aScriptThatBecomesTheServerIsOneStart() throws IOException {
    Path server = Compiled.program(Files.createTempDirectory(directory, "c"), "server");
    Path output = directory.resolve("said");
    try (AgentProcess agent = AgentProcess.start();
        PodCgroup pod = PodCgroup.create()) {
      pod.start("sh", "-c", "sleep 0.5; /bin/true; exec " + server + " " + output + " 10 10 10 10");
      ask((int) step(output, "listen")[2]);
      step(output, "send");
      double listen = agent.fresh().sum(START, pod.labels("phase", "listen"));
      System.out.printf("proof: script of 0.5 s, then a server: listen %.6f s%n", listen);
      assertThat(listen).isGreaterThan(0.51);
    }
  }

  /** runc executes itself in the container's cgroups before it executes the container's program. */
  @Test
  void runcsOwnExecutionsAreNotTheContainers() throws IOException {
    Path server = Compiled.staticProgram(Files.createTempDirectory(directory, "c"), "server");
    Path shared = Files.createDirectory(directory.resolve("shared"));
    Path output = shared.resolve("said");
    try (AgentProcess agent = AgentProcess.start();
        PodCgroup pod = PodCgroup.create();
        RuncContainer container =
            RuncContainer.create(
                Files.createDirectory(directory.resolve("bundle")),
                pod,
                server,
                shared,
                "/shared/said",
                "300",
                "200",
                "150",
                "100")) {
      await("runc's init to have waited a while")
          .during(Duration.ofSeconds(1))
          .atMost(Duration.ofSeconds(3))
          .until(() -> !Files.exists(output));
      long begun = System.nanoTime();
      container.start();
      check(agent, pod, output, begun);
    }
  }

  private static double seconds(Object duration) {
    Message d = (Message) duration;
    return (Long) get(d, "seconds") + (Integer) get(d, "nanos") / 1e9;
  }

  private static Object get(Message message, String field) {
    return message.getField(message.getDescriptorForType().findFieldByName(field));
  }
}
