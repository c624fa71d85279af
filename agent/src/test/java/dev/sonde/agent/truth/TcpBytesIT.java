package dev.sonde.agent.truth;

import static dev.sonde.agent.truth.TcpMoved.proof;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.withinPercentage;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Bytes: what applications' own system calls returned, to the byte. */
class TcpBytesIT {
  private static AgentProcess agent;

  @BeforeAll
  static void start() {
    agent = AgentProcess.start("--probes", "all,-sched", "--grpc-listen", "off");
  }

  @AfterAll
  static void stop() {
    agent.close();
  }

  /** -Z is sendfile(2). */
  @ParameterizedTest
  @ValueSource(strings = {"-c 127.0.0.1", "-c 127.0.0.1 -R", "-c ::1", "-c ::1 -R", "-c ::1 -Z"})
  void agreesWithIperf3(String flags) throws Exception {
    Path report = Files.createTempFile("sonde-iperf3", ".json");
    try (PodCgroup client = PodCgroup.create();
        PodCgroup server = PodCgroup.create()) {
      String port = Integer.toString(freePort());
      Process serving = server.start("iperf3", "-s", "-1", "-p", port);
      await("iperf3 to listen")
          .atMost(Duration.ofSeconds(10))
          .until(() -> listening(serving.pid(), Integer.parseInt(port)));
      List<String> command = new ArrayList<>(List.of("iperf3", "-J", "-n", "200M", "-p", port));
      command.addAll(List.of(flags.split(" ")));
      TcpMoved moved =
          TcpMoved.during(
              agent,
              () -> {
                ended(client.start(report, command.toArray(String[]::new)));
                ended(serving);
              });
      String json = Files.readString(report);
      long sent = bytes(json, "sum_sent");
      long received = bytes(json, "sum_received");
      boolean reverse = flags.contains("-R");
      PodCgroup from = reverse ? server : client;
      PodCgroup to = reverse ? client : server;
      proof(
          "iperf3 %s: sent %,d against %,d (%+.4f%%), received %,d against %,d (%+.4f%%)",
          flags,
          moved.sent(from),
          sent,
          100.0 * (moved.sent(from) - sent) / sent,
          moved.received(to),
          received,
          100.0 * (moved.received(to) - received) / received);
      assertThat((double) moved.sent(from)).isCloseTo(sent, withinPercentage(1));
      assertThat((double) moved.received(to)).isCloseTo(received, withinPercentage(1));
      // the other direction is iperf3's control connection only
      assertThat(moved.sent(to)).isLessThan(sent / 100);
      assertThat(moved.received(from)).isLessThan(received / 100);
    } finally {
      Files.delete(report);
    }
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0)) {
      return socket.getLocalPort();
    }
  }

  private static boolean listening(long pid, int port) throws IOException {
    String wanted = String.format(":%04X ", port);
    return inTables(pid, l -> l.contains(wanted) && l.contains(" 0A "));
  }

  private static void ended(Process process) {
    await("iperf3 to end").atMost(Duration.ofSeconds(60)).until(() -> !process.isAlive());
    assertThat(process.exitValue()).isZero();
  }

  private static long bytes(String json, String sum) {
    Matcher m =
        Pattern.compile("\"" + sum + "\":\\s*\\{[^}]*?\"bytes\":\\s*(\\d+)")
            .matcher(json.substring(json.indexOf("\"end\"")));
    if (!m.find()) {
      throw new AssertionError("no " + sum + " in:\n" + json);
    }
    return Long.parseLong(m.group(1));
  }

  /** A connection between two containers. */
  private record Pair(PodCgroup serverPod, PodCgroup clientPod, TcpPeer server, TcpPeer client)
      implements AutoCloseable {
    static Pair connect(String host) {
      PodCgroup serverPod = PodCgroup.create();
      PodCgroup clientPod = PodCgroup.create();
      Pair pair =
          new Pair(serverPod, clientPod, TcpPeer.start(serverPod), TcpPeer.start(clientPod));
      pair.again(host);
      return pair;
    }

    void again(String host) {
      client.connect(host, server.listen(host));
      server.tell("accept");
    }

    @Override
    public void close() {
      server.close();
      client.close();
      serverPod.close();
      clientPod.close();
    }

    void assertBytes(TcpMoved moved, String what, long fromClient, long fromServer) {
      assertBytes(moved, what, fromClient, fromServer, fromServer, fromClient);
    }

    void assertBytes(
        TcpMoved moved, String what, long sent, long answered, long received, long heard) {
      proof(
          "%s: client sent %,d of %,d, received %,d of %,d; server sent %,d of %,d, received %,d of"
              + " %,d",
          what,
          moved.sent(clientPod),
          sent,
          moved.received(clientPod),
          received,
          moved.sent(serverPod),
          answered,
          moved.received(serverPod),
          heard);
      assertThat(
              List.of(
                  moved.sent(clientPod),
                  moved.received(clientPod),
                  moved.sent(serverPod),
                  moved.received(serverPod)))
          .as("client sent, received; server sent, received")
          .containsExactly(sent, received, answered, heard);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"127.0.0.1", "::1"})
  void countsManySmallMessagesToTheByte(String host) {
    try (Pair pair = Pair.connect(host)) {
      TcpMoved moved =
          TcpMoved.during(
              agent,
              () -> {
                pair.server.begin("echo 4096");
                assertThat(pair.client.tell("ask 5000 37")).isEqualTo(185_000);
                pair.client.tell("shutdown");
                assertThat(pair.server.answer()).isEqualTo(185_000);
              });
      pair.assertBytes(moved, "5,000 messages of 37 over " + host, 185_000, 185_000);
    }
  }

  @Test
  void countsSendfileAndSpliceToTheByte() {
    try (Pair pair = Pair.connect("127.0.0.1")) {
      TcpMoved moved =
          TcpMoved.during(
              agent,
              () -> {
                pair.server.begin("splice");
                assertThat(pair.client.tell("sendfile 7654321")).isEqualTo(7_654_321);
                pair.client.tell("shutdown");
                assertThat(pair.server.answer()).isEqualTo(7_654_321);
              });
      pair.assertBytes(moved, "sendfile to splice", 7_654_321, 0);
    }
  }

  /** The FIN stands in the receive queue, behind the data, when the application reads. */
  @ParameterizedTest
  @ValueSource(strings = {"drain 1000", "drain 10000", "splice"})
  void doesNotCountTheFin(String read) {
    try (Pair pair = Pair.connect("127.0.0.1")) {
      TcpMoved moved =
          TcpMoved.during(
              agent,
              () -> {
                for (int i = 0; i < 3; i++) {
                  pair.client.tell("send 4321 4321");
                  pair.client.tell("close");
                  awaitFin(pair.server);
                  assertThat(pair.server.tell(read)).isEqualTo(4321);
                  pair.server.tell("close");
                  pair.again("127.0.0.1");
                }
              });
      pair.assertBytes(moved, "3 x 4,321 and a FIN, " + read, 3 * 4321, 0);
    }
  }

  private static void awaitFin(TcpPeer peer) {
    // CLOSE_WAIT with the data and the FIN unread: 0x10E2 = 4321 + 1
    await("the FIN")
        .atMost(Duration.ofSeconds(10))
        .until(() -> inTables(peer.pid(), l -> l.contains(" 08 ") && l.contains(":000010E2 ")));
  }

  private static boolean inTables(long pid, Predicate<String> line) throws IOException {
    for (String table : List.of("tcp", "tcp6")) {
      if (Files.readAllLines(Path.of("/proc/" + pid + "/net/" + table)).stream().anyMatch(line)) {
        return true;
      }
    }
    return false;
  }

  @Test
  void countsOnlyWhatIsReadOfWhatArrived() {
    try (Pair pair = Pair.connect("127.0.0.1")) {
      TcpMoved moved =
          TcpMoved.during(
              agent,
              () -> {
                pair.server.tell("send 100000 100000");
                assertThat(pair.client.tell("receive 23456 1000")).isEqualTo(23_456);
                pair.client.tell("close");
              });
      pair.assertBytes(moved, "100,000 sent, 23,456 read, closed", 0, 100_000, 23_456, 0);
    }
  }
}
