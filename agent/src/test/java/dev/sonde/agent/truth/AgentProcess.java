package dev.sonde.agent.truth;

import static org.awaitility.Awaitility.await;

import dev.sonde.agent.guest.Patience;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;

/**
 * The agent as a process of its own, on ports of its own.
 *
 * {@snippet :
 * try (AgentProcess agent = AgentProcess.start("--probes", "sched")) {
 *   double before = agent.fresh().sum("sonde_sched_on_cpu_seconds_total");
 * }
 * }
 */
final class AgentProcess implements AutoCloseable {
  static final Duration INTERVAL = Patience.pause(200);

  private final HttpClient http = HttpClient.newHttpClient();
  private final Process process;
  private final int port;
  private final int grpcPort;
  private final Path log;

  private AgentProcess(Process process, int port, int grpcPort, Path log) {
    this.process = process;
    this.port = port;
    this.grpcPort = grpcPort;
    this.log = log;
  }

  /** Starts it and waits until it is ready. */
  static AgentProcess start(String... flags) {
    return startWithin(List.of(), flags);
  }

  /** As a command of another command: {@code unshare --cgroup}. */
  static AgentProcess startWithin(List<String> prefix, String... flags) {
    AgentProcess agent = launchWithin(prefix, flags);
    try {
      await("the agent to be ready")
          .atMost(Patience.seconds(30))
          .pollInterval(Patience.pause(50))
          .until(() -> !agent.process.isAlive() || agent.isReady());
      if (!agent.process.isAlive()) {
        throw new AssertionError(
            "the agent ended with " + agent.process.exitValue() + ":\n" + agent.log());
      }
      return agent;
    } catch (RuntimeException | AssertionError e) {
      String text = agent.log();
      agent.close();
      throw new AssertionError("the agent did not start:\n" + text, e);
    }
  }

  /** Starts it and does not wait. */
  static AgentProcess launch(String... flags) {
    return launchWithin(List.of(), flags);
  }

  private static AgentProcess launchWithin(List<String> prefix, String... flags) {
    try {
      int port = freePort();
      int grpcPort = freePort();
      List<String> command = new ArrayList<>(prefix);
      command.addAll(java());
      command.addAll(
          List.of(
              "agent",
              "--listen",
              "127.0.0.1:" + port,
              "--grpc-listen",
              "127.0.0.1:" + grpcPort,
              "--snapshot-interval",
              INTERVAL.toMillis() + "ms"));
      command.addAll(List.of(flags));
      Path log = Files.createTempFile("sonde-agent", ".log");
      Process process =
          new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectOutput(log.toFile())
              .start();
      return new AgentProcess(process, port, grpcPort, log);
    } catch (IOException e) {
      throw new AssertionError("start the agent", e);
    }
  }

  /** How this build's {@code sonde} is started, without a command. */
  static List<String> java() {
    return List.of(
        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
        Patience.inGuest() ? "-XX:TieredStopAtLevel=1" : "-XX:+TieredCompilation",
        "--enable-native-access=ALL-UNNAMED",
        "--sun-misc-unsafe-memory-access=allow",
        "-XX:+UseSerialGC",
        "-Xmx128m",
        "-cp",
        System.getProperty("java.class.path"),
        "dev.sonde.agent.cli.Sonde");
  }

  /**
   * Nobody's now, nor anybody's by chance: the kernel gives outgoing connections ports above these.
   */
  private static int freePort() {
    for (int tries = 0; tries < 1000; tries++) {
      int port = ThreadLocalRandom.current().nextInt(10_000, 32_000);
      try (ServerSocket socket = new ServerSocket(port)) {
        return socket.getLocalPort();
      } catch (IOException taken) {
        // the next one
      }
    }
    throw new AssertionError("no free port between 10,000 and 32,000");
  }

  Process process() {
    return process;
  }

  int port() {
    return port;
  }

  int grpcPort() {
    return grpcPort;
  }

  String log() {
    try {
      return Files.readString(log);
    } catch (IOException e) {
      return e.toString();
    }
  }

  private boolean isReady() {
    try {
      return get("/readyz").statusCode() == 200;
    } catch (AssertionError refused) {
      return false;
    }
  }

  HttpResponse<String> get(String path) {
    try {
      HttpRequest request =
          HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path))
              .timeout(Patience.seconds(10))
              .build();
      return http.send(request, HttpResponse.BodyHandlers.ofString());
    } catch (IOException e) {
      throw new AssertionError("GET " + path + ": " + e + "\n" + log(), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError(e);
    }
  }

  Scrape scrape() {
    return new Scrape(get("/metrics").body());
  }

  /** A scrape of a snapshot that was begun after this call. */
  Scrape fresh() {
    long now = snapshot();
    // the one under way may have begun before: the next but one has not
    await("two more snapshots")
        .atMost(Patience.seconds(10))
        .pollInterval(INTERVAL.dividedBy(Patience.inGuest() ? 4 : 10)) // each look is a scrape
        .until(() -> snapshot() >= now + 2);
    return scrape();
  }

  private long snapshot() {
    return (long) scrape().sum("sonde_snapshots_total");
  }

  /** SIGTERM, and waits. */
  int terminate() {
    process.destroy();
    return exit();
  }

  /** Waits for its end. */
  int exit() {
    try {
      if (!process.waitFor(Patience.seconds(15))) {
        throw new AssertionError("the agent did not end within 15 s:\n" + log());
      }
      return process.exitValue();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError(e);
    }
  }

  @Override
  public void close() {
    process.destroy();
    try {
      if (!process.waitFor(Patience.seconds(10))) {
        process.destroyForcibly().waitFor();
      }
      Files.deleteIfExists(log);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }
}
