package dev.sonde.agent.truth;

import static org.awaitility.Awaitility.await;

import dev.sonde.agent.guest.Patience;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * A process in a container that does to TCP what it is told, and says how many bytes its system
 * calls moved.
 *
 * {@snippet :
 * try (TcpPeer server = TcpPeer.start(podA); TcpPeer client = TcpPeer.start(podB)) {
 *   client.connect("127.0.0.1", server.listen("127.0.0.1"));
 *   server.tell("accept");
 *   long sent = client.tell("send 1000 100");
 * }
 * }
 *
 * <p>The commands are {@link TcpPeerMain}'s. One thread; {@link #begin} and {@link #answer} split a
 * command that blocks.
 */
final class TcpPeer implements AutoCloseable {
  private static final Duration PATIENCE = Patience.seconds(60);

  private final Process process;
  private final Path output;
  private int answers;

  private TcpPeer(Process process, Path output) {
    this.process = process;
    this.output = output;
  }

  /**
   * @param prefix a command that runs the rest of its arguments, such as {@code ip netns exec NAME}
   */
  static TcpPeer start(PodCgroup pod, String... prefix) {
    return start(pod, List.of(prefix), "-Djava.net.preferIPv4Stack=false");
  }

  /** Another program that answers in the same way. */
  static TcpPeer of(PodCgroup pod, String... command) {
    try {
      Path output = Files.createTempFile("sonde-peer", ".txt");
      return new TcpPeer(pod.start(output, command), output);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  /** One that is in no container: where the tests themselves are. */
  static TcpPeer outside(String... command) {
    try {
      Path output = Files.createTempFile("sonde-peer", ".txt");
      ProcessBuilder builder = new ProcessBuilder(command);
      builder.redirectErrorStream(true).redirectOutput(output.toFile());
      return new TcpPeer(builder.start(), output);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private static TcpPeer start(PodCgroup pod, List<String> prefix, String family) {
    List<String> command = new ArrayList<>(prefix);
    command.addAll(
        List.of(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "--enable-native-access=ALL-UNNAMED",
            "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED",
            family,
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-Xmx64m",
            "-cp",
            System.getProperty("java.class.path"),
            TcpPeerMain.class.getName()));
    return of(pod, command.toArray(String[]::new));
  }

  /** One in a network namespace. */
  static TcpPeer startIn(String namespace, PodCgroup pod) {
    return start(pod, "ip", "netns", "exec", namespace);
  }

  /** One in a network namespace that has sockets of AF_INET, and not only of AF_INET6. */
  static TcpPeer startIpv4In(String namespace, PodCgroup pod) {
    return start(pod, List.of("ip", "netns", "exec", namespace), "-Djava.net.preferIPv4Stack=true");
  }

  long pid() {
    return process.pid();
  }

  int listen(String host) {
    return (int) tell("listen " + host);
  }

  /** The port on this side. */
  int connect(String host, int port) {
    return (int) tell("connect " + host + " " + port);
  }

  long tell(String command) {
    begin(command);
    return answer();
  }

  void begin(String command) {
    try {
      process.getOutputStream().write((command + "\n").getBytes(StandardCharsets.UTF_8));
      process.getOutputStream().flush();
    } catch (IOException e) {
      throw new AssertionError(command + ": " + text(), e);
    }
  }

  /** Waits for the next answer: a number of bytes or a port. */
  long answer() {
    int wanted = answers++;
    await("an answer")
        .atMost(PATIENCE)
        .pollInterval(Duration.ofMillis(5))
        .until(() -> lines().size() > wanted || !process.isAlive());
    if (lines().size() <= wanted) {
      throw new AssertionError("the peer ended:\n" + text());
    }
    String line = lines().get(wanted);
    if (!line.startsWith("ok ")) {
      throw new AssertionError(line);
    }
    return Long.parseLong(line.substring(3));
  }

  private List<String> lines() {
    String text = text();
    return text.substring(0, text.lastIndexOf('\n') + 1).lines().toList();
  }

  private String text() {
    try {
      return Files.readString(output);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  @Override
  public void close() {
    process.destroyForcibly();
    try {
      process.waitFor();
      Files.deleteIfExists(output);
    } catch (IOException e) {
      throw new AssertionError(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
