package dev.sonde.agent.truth;

import static dev.sonde.agent.truth.TcpMoved.proof;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.google.protobuf.DynamicMessage;
import com.google.protobuf.Message;
import com.google.protobuf.util.Durations;
import com.google.protobuf.util.JsonFormat;
import dev.sonde.exporter.grpc.GenericGrpcClient;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Opens, closes, connects that fail, and resets, as real connections make them and the stream tells
 * of them: owner, addresses, state, bytes, and when it began and how long it took.
 */
class TcpConnectionEventsIT {
  private static AgentProcess agent;
  private static GenericGrpcClient grpc;

  /** How the sockets see the addresses. */
  enum Family {
    IPV4,
    MAPPED,
    IPV6
  }

  @BeforeAll
  static void start() {
    agent = AgentProcess.start("--probes", "all,-sched");
    grpc = GenericGrpcClient.connect("127.0.0.1", agent.grpcPort());
    await("gRPC").ignoreExceptions().until(grpc::services, s -> !s.isEmpty());
  }

  @AfterAll
  static void stop() {
    grpc.close();
    agent.close();
  }

  /** Two containers, each in a namespace of its own, and the events of both. */
  private static final class Pair implements AutoCloseable {
    final LossyPair net = LossyPair.create(0);
    final PodCgroup serverPod = PodCgroup.create();
    final PodCgroup clientPod = PodCgroup.create();
    final String host;
    final TcpPeer server;
    final TcpPeer client;
    final GenericGrpcClient.Stream stream;
    int port;
    int from;

    Pair(Family family) throws InterruptedException {
      if (family == Family.IPV6) {
        Command.run("ip", "-n", net.a(), "addr", "add", "fd99::1/64", "dev", "eth0", "nodad");
        Command.run("ip", "-n", net.b(), "addr", "add", "fd99::2/64", "dev", "eth0", "nodad");
      }
      host = family == Family.IPV6 ? "fd99::2" : net.addressB();
      boolean v4 = family == Family.IPV4;
      server = v4 ? TcpPeer.startIpv4In(net.b(), serverPod) : TcpPeer.startIn(net.b(), serverPod);
      client = v4 ? TcpPeer.startIpv4In(net.a(), clientPod) : TcpPeer.startIn(net.a(), clientPod);
      stream =
          grpc.stream(
              "sonde.v1.Observer/WatchEvents",
              "{\"kinds\":[\"EVENT_KIND_TCP_OPEN\",\"EVENT_KIND_TCP_CLOSE\","
                  + "\"EVENT_KIND_TCP_CONNECT_FAILED\",\"EVENT_KIND_TCP_RESET\"],"
                  + "\"matchers\":[{\"label\":\"pod\",\"regex\":\""
                  + serverPod.pod()
                  + "|"
                  + clientPod.pod()
                  + "\"}]}");
      assertThat(requireNonNull(stream.next()).toString()).contains("started");
    }

    void connect() {
      port = server.listen(host);
      from = client.connect(host, port);
      server.tell("accept");
    }

    private String at(String v4, String v6, int port, Family family) {
      return switch (family) {
        case IPV4 -> v4 + ":" + port;
        case MAPPED -> "[::ffff:" + v4 + "]:" + port;
        case IPV6 -> "[" + v6 + "]:" + port;
      };
    }

    String clientAt(Family family) {
      return at(net.addressA(), "fd99::1", from, family);
    }

    String serverAt(Family family) {
      return at(net.addressB(), "fd99::2", port, family);
    }

    /** The next events, and that there are no more when all have been delivered. */
    List<Seen> events(int count) throws InterruptedException {
      await(count + " events")
          .atMost(Duration.ofSeconds(10))
          .until(() -> stream.waiting() >= count);
      await("every written event to be read")
          .atMost(Duration.ofSeconds(20))
          .until(
              () -> {
                Scrape s = agent.fresh();
                return s.sum("sonde_events_read_total") == s.sum("sonde_events_written_total");
              });
      List<Seen> seen = new ArrayList<>();
      while (stream.waiting() > 0) {
        seen.add(Seen.of(requireNonNull(stream.next())));
      }
      assertThat(seen).as(seen.toString()).hasSize(count);
      return seen;
    }

    Seen one(List<Seen> seen, PodCgroup pod, String kind) {
      List<Seen> fit =
          seen.stream().filter(s -> s.pod().equals(pod.pod()) && s.kind().equals(kind)).toList();
      assertThat(fit).as(kind + " of " + pod.pod() + " in " + seen).hasSize(1);
      return fit.getFirst();
    }

    @Override
    public void close() {
      stream.close();
      client.close();
      server.close();
      clientPod.close();
      serverPod.close();
      net.close();
    }
  }

  /** One event: what all have, and the rest as text. */
  private record Seen(String pod, String kind, Instant start, Duration duration, String body) {
    static Seen of(DynamicMessage message) {
      Message e = (Message) get(message, "event");
      var kind =
          e.getAllFields().entrySet().stream()
              .filter(f -> f.getKey().getContainingOneof() != null)
              .findFirst()
              .orElseThrow();
      Message start = (Message) get(e, "start");
      Message duration = (Message) get(e, "duration");
      try {
        return new Seen(
            (String) get((Message) get(e, "workload"), "pod"),
            kind.getKey().getName(),
            Instant.ofEpochSecond(
                (Long) get(start, "seconds"), ((Integer) get(start, "nanos")).longValue()),
            Duration.ofNanos(
                Durations.toNanos(
                    com.google.protobuf.Duration.newBuilder()
                        .setSeconds((Long) get(duration, "seconds"))
                        .setNanos((Integer) get(duration, "nanos"))
                        .build())),
            JsonFormat.printer()
                .omittingInsignificantWhitespace()
                .print((Message) kind.getValue())
                .replace("\"", ""));
      } catch (com.google.protobuf.InvalidProtocolBufferException bad) {
        throw new AssertionError(bad);
      }
    }

    private static Object get(Message message, String field) {
      return message.getField(message.getDescriptorForType().findFieldByName(field));
    }

    Instant end() {
      return start.plus(duration);
    }
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void aConnectionOpensAndCloses(Family family) throws InterruptedException {
    try (Pair pair = new Pair(family)) {
      Instant first = Instant.now();
      pair.connect();
      Instant open = Instant.now();
      pair.client.tell("send 1234 100");
      pair.server.tell("receive 1234 4096");
      pair.server.tell("send 777 777");
      pair.client.tell("receive 777 4096");
      List<Seen> opens = pair.events(2);
      Instant closing = Instant.now();
      pair.client.tell("close");
      pair.server.tell("close");
      List<Seen> closes = pair.events(2);
      Instant last = Instant.now();
      String ends = "local:" + pair.clientAt(family) + ",remote:" + pair.serverAt(family);
      String mirrored = "local:" + pair.serverAt(family) + ",remote:" + pair.clientAt(family);
      Seen clientOpen = pair.one(opens, pair.clientPod, "tcp_open");
      Seen serverOpen = pair.one(opens, pair.serverPod, "tcp_open");
      Seen clientClose = pair.one(closes, pair.clientPod, "tcp_close");
      Seen serverClose = pair.one(closes, pair.serverPod, "tcp_close");
      proof("%s: %s; %s; %s; %s", family, clientOpen, serverOpen, clientClose, serverClose);
      assertThat(clientOpen.body()).isEqualTo("{role:client," + ends + "}");
      assertThat(serverOpen.body()).isEqualTo("{role:server," + mirrored + "}");
      assertThat(clientClose.body())
          .isEqualTo(
              "{reason:local,state:fin-wait-2,sentBytes:1234,receivedBytes:777," + ends + "}");
      assertThat(serverClose.body())
          .isEqualTo(
              "{reason:peer,state:last-ack,sentBytes:777,receivedBytes:1234," + mirrored + "}");
      // the handshake, inside the client's own clock; both clocks are read twice, hence the slack
      Duration slack = Duration.ofMillis(5);
      assertThat(clientOpen.start()).isBetween(first.minus(slack), open);
      assertThat(clientOpen.end()).isBetween(first, open.plus(slack));
      assertThat(clientOpen.duration()).isPositive();
      assertThat(serverOpen.duration()).isZero();
      for (Seen close : List.of(clientClose, serverClose)) {
        assertThat(close.start()).isBetween(first.minus(slack), open.plus(slack));
        assertThat(close.end()).isBetween(closing.minus(slack), last.plus(slack));
      }
    }
  }

  @Test
  void aConnectThatIsRefused() throws InterruptedException {
    try (Pair pair = new Pair(Family.IPV4)) {
      pair.port = 1; // nobody listens there
      Instant first = Instant.now();
      pair.client.begin("connect " + pair.host + " 1");
      List<Seen> events = pair.events(2);
      Instant last = Instant.now();
      Seen failed = pair.one(events, pair.clientPod, "tcp_connect_failed");
      Seen reset = pair.one(events, pair.clientPod, "tcp_reset");
      proof("refused: %s; %s", failed, reset);
      assertThat(failed.body())
          .matches(
              "\\{reason:refused,local:"
                  + pair.net.addressA()
                  + ":\\d+,remote:"
                  + pair.net.addressB()
                  + ":1}");
      assertThat(reset.body()).startsWith("{direction:received,state:syn-sent,");
      assertThat(failed.duration()).isPositive();
      assertThat(failed.start()).isBetween(first.minusMillis(5), last);
      assertThat(failed.end()).isBetween(first, last.plusMillis(5));
    }
  }

  /** A side that closes with data unread resets the connection. */
  @ParameterizedTest
  @EnumSource(Family.class)
  void aResetIsToldOnBothSides(Family family) throws InterruptedException {
    try (Pair pair = new Pair(family)) {
      pair.connect();
      pair.client.tell("send 100 100");
      await("the data to be there")
          .until(
              () ->
                  Command.run("ip", "netns", "exec", pair.net.b(), "ss", "-Htn")
                      .lines()
                      .anyMatch(l -> l.matches("ESTAB\\s+100\\s.*")));
      pair.server.tell("close");
      List<Seen> events = pair.events(6);
      String ends = "local:" + pair.clientAt(family) + ",remote:" + pair.serverAt(family);
      String mirrored = "local:" + pair.serverAt(family) + ",remote:" + pair.clientAt(family);
      Seen sent = pair.one(events, pair.serverPod, "tcp_reset");
      Seen received = pair.one(events, pair.clientPod, "tcp_reset");
      Seen clientClose = pair.one(events, pair.clientPod, "tcp_close");
      Seen serverClose = pair.one(events, pair.serverPod, "tcp_close");
      proof("reset, %s: %s; %s; %s; %s", family, sent, received, clientClose, serverClose);
      assertThat(sent.body())
          .matches("\\{direction:sent,state:[a-z0-9-]+," + Pattern.quote(mirrored) + "}");
      assertThat(received.body()).isEqualTo("{direction:received,state:established," + ends + "}");
      assertThat(sent.duration()).isZero();
      assertThat(clientClose.body())
          .isEqualTo("{reason:reset,state:established,sentBytes:100," + ends + "}");
      assertThat(serverClose.body()).startsWith("{reason:reset,").contains("receivedBytes:100,");
    }
  }
}
