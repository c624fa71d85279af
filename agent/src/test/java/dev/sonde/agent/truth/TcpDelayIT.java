package dev.sonde.agent.truth;

import static dev.sonde.agent.truth.TcpMoved.proof;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.withinPercentage;
import static org.awaitility.Awaitility.await;

import com.google.protobuf.Message;
import dev.sonde.exporter.grpc.GenericGrpcClient;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Connects, acknowledgements and round trips over a line that delays every packet and writes down
 * for how long it did.
 *
 * <p>What Sonde measured of one connect or message lies between two figures that are not Sonde's:
 * it is longer than from the line having read the first packet to its handing over the last, and
 * shorter than from before the client's system call to after that handing over. All clocks are
 * CLOCK_MONOTONIC.
 */
class TcpDelayIT {
  private static final int CONNECTS = 8;
  private static final int MESSAGES = 8;
  private static final int PACE_MILLIS = 130; // of events of long waits, ten a second are sent
  private static final long MILLI = 1_000_000;

  private static AgentProcess agent;
  private static GenericGrpcClient grpc;

  @BeforeAll
  static void start() {
    agent = AgentProcess.start("--probes", "all,-sched", "--tcp-long-wait", "15ms");
    grpc = GenericGrpcClient.connect("127.0.0.1", agent.grpcPort());
    await("gRPC").ignoreExceptions().until(grpc::services, s -> !s.isEmpty());
  }

  @AfterAll
  static void stop() {
    grpc.close();
    agent.close();
  }

  /** What one connect or message took, in nanoseconds: at least, as Sonde says, at most. */
  private record Took(long least, long found, long most) {
    static Took of(Segment asks, Segment answer, long called, long found) {
      return new Took(answer.begun() - asks.in(), found, answer.done() - called);
    }

    boolean withinMilli() {
      return found - least < MILLI;
    }
  }

  /**
   * @param millis there and back
   */
  @ParameterizedTest
  @CsvSource({"20,false", "50,true", "100,false"})
  void connectsAndAcknowledgementsTakeAsLongAsTheLineHeldThem(int millis, boolean ipv6)
      throws InterruptedException {
    try (DelayLine line = DelayLine.create();
        PodCgroup serverPod = PodCgroup.create();
        PodCgroup clientPod = PodCgroup.create();
        TcpPeer server = TcpPeer.startIn(line.b(), serverPod);
        TcpPeer client = TcpPeer.startIn(line.a(), clientPod);
        GenericGrpcClient.Stream stream =
            grpc.stream(
                "sonde.v1.Observer/WatchEvents",
                "{\"kinds\":[\"EVENT_KIND_TCP_OPEN\",\"EVENT_KIND_TCP_WAIT\"],\"matchers\":"
                    + "[{\"label\":\"pod\",\"equal\":\""
                    + clientPod.pod()
                    + "\"}]}")) {
      assertThat(Message.class.cast(stream.next())).as("started").isNotNull();
      line.acknowledgeAtOnce();
      line.delayMillis(millis / 2.0);
      String host = line.addressB(ipv6);
      int port = server.listen(host);
      List<Took> connects = new ArrayList<>();
      List<Took> messages = new ArrayList<>();
      TcpMoved moved =
          TcpMoved.during(
              agent,
              () -> {
                for (int i = 0; i < CONNECTS; i++) {
                  connects.add(connect(line, client, host, port, stream));
                  client.tell("close");
                }
                connects.add(connect(line, client, host, port, stream));
                messages.addAll(send(line, server, client, stream));
              });
      TcpTimes times = new TcpTimes(moved, clientPod);
      check("connect", millis, ipv6, connects, times, TcpTimes.CONNECT);
      check("send to ACK", millis, ipv6, messages, times, TcpTimes.SEND_ACK);
    }
  }

  private static Took connect(
      DelayLine line, TcpPeer client, String host, int port, GenericGrpcClient.Stream stream) {
    int from = (int) client.tell("connectedfrom " + host + " " + port);
    long called = client.tell("began 0");
    List<Segment> segments = of(line, from);
    Segment syn = segments.stream().filter(Segment::syn).findFirst().orElseThrow();
    Segment answer = first(segments, s -> s.syn() && s.answers(syn));
    return Took.of(syn, answer, called, event(stream, "tcp_open", "role:client", from));
  }

  private static List<Took> send(
      DelayLine line, TcpPeer server, TcpPeer client, GenericGrpcClient.Stream stream) {
    int from = line.segments().stream().filter(Segment::fromA).toList().getLast().from();
    while (server.tell("accept") != from) {
      // one of those that are closed
    }
    server.begin("drain 65536");
    client.tell("paced " + MESSAGES + " 500 " + PACE_MILLIS);
    client.tell("shutdown");
    server.answer();
    List<Segment> segments = of(line, from);
    List<Segment> sent = segments.stream().filter(s -> s.fromA() && s.length() > 0).toList();
    assertThat(sent).as("a segment for each message, none of them twice").hasSize(MESSAGES);
    List<Took> all = new ArrayList<>();
    for (int i = 0; i < MESSAGES; i++) {
      Segment message = sent.get(i);
      Segment answer = first(segments, s -> s.answers(message));
      long found = event(stream, "tcp_wait", "wait:send_ack", from);
      all.add(Took.of(message, answer, client.tell("began " + i), found));
    }
    return all;
  }

  private static List<Segment> of(DelayLine line, int clientPort) {
    return line.segments().stream()
        .filter(s -> (s.fromA() ? s.from() : s.to()) == clientPort)
        .toList();
  }

  private static Segment first(List<Segment> segments, Predicate<Segment> which) {
    return segments.stream().filter(which).findFirst().orElseThrow();
  }

  /** The duration of the next event, which must be of this kind and socket. */
  private static long event(
      GenericGrpcClient.Stream stream, String kind, String says, int clientPort) {
    try {
      Message event = (Message) get(requireNonNull(stream.next(), "the stream ended"), "event");
      Message body = (Message) get(event, kind);
      String[] field = says.split(":");
      Object value = get(body, field[0]);
      assertThat(value.toString().toLowerCase(Locale.ROOT)).endsWith(field[1]);
      assertThat((String) get(body, "local")).endsWith(":" + clientPort);
      Message duration = (Message) get(event, "duration");
      return Duration.ofSeconds(
              (Long) get(duration, "seconds"), ((Integer) get(duration, "nanos")).longValue())
          .toNanos();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError(e);
    }
  }

  private static Object get(Message message, String field) {
    return message.getField(message.getDescriptorForType().findFieldByName(field));
  }

  private static void check(
      String what, int millis, boolean ipv6, List<Took> all, TcpTimes times, String metric) {
    long near = all.stream().filter(Took::withinMilli).count();
    double least = all.stream().mapToLong(Took::least).sum() / 1e9;
    double most = all.stream().mapToLong(Took::most).sum() / 1e9;
    proof(
        "%s, %d ms, %s: %d of %d, mean %.6f s; the line held them %.6f s, the client's clock %.6f"
            + " s; longer than the line by %.3f ms at the median, %.3f ms at most; %d within 1 ms",
        what,
        millis,
        ipv6 ? "IPv6" : "mapped IPv4",
        times.count(metric),
        all.size(),
        times.mean(metric),
        least / all.size(),
        most / all.size(),
        all.stream().mapToLong(t -> t.found - t.least).sorted().toArray()[all.size() / 2] / 1e6,
        all.stream().mapToLong(t -> t.found - t.least).max().orElseThrow() / 1e6,
        near);
    assertThat(times.count(metric)).as(what).isEqualTo(all.size());
    assertThat(all).allSatisfy(t -> assertThat(t.found).isBetween(t.least, t.most));
    assertThat(times.seconds(metric)).isBetween(least, most);
    // what is longer, the line was late to see: that is in no record but the client's clock
    assertThat(near).as("within a millisecond, " + all).isGreaterThan(all.size() * 2L / 3);
  }

  /** A connection whose way gets longer: ss before each message, and the histogram of all. */
  @ParameterizedTest
  @CsvSource({"20,50", "50,100"})
  void roundTripsAreWhatSsSamples(int millis, int later) {
    try (DelayLine line = DelayLine.create();
        PodCgroup serverPod = PodCgroup.create();
        PodCgroup clientPod = PodCgroup.create();
        TcpPeer server = TcpPeer.startIn(line.b(), serverPod);
        TcpPeer client = TcpPeer.startIn(line.a(), clientPod)) {
      line.delayMillis(millis / 2.0);
      int port = server.listen(line.addressB(false));
      client.connect(line.addressB(false), port);
      server.tell("accept");
      server.begin("echo 4096");
      client.tell("ask 5 500");
      agent.fresh();
      NativeBuckets before = NativeBuckets.of(grpc, TcpTimes.RTT, clientPod);
      List<Double> sampled = new ArrayList<>();
      for (int i = 0; i < 60; i++) {
        if (i == 40) {
          line.delayMillis(later / 2.0);
        }
        sampled.add(rtt(line.a(), port)); // what the next segment finds
        client.tell("ask 1 500");
      }
      agent.fresh();
      NativeBuckets found = NativeBuckets.of(grpc, TcpTimes.RTT, clientPod).minus(before);
      Collections.sort(sampled);
      double median = sampled.get(sampled.size() / 2 - 1);
      double p99 = sampled.get((int) Math.ceil(sampled.size() * 0.99) - 1);
      proof(
          "RTT of %d samples, %d and %d ms: median %.6f s against ss %.6f s (%+.1f%%), p99 %.6f s"
              + " against ss %.6f s (%+.1f%%)",
          found.count(),
          millis,
          later,
          found.quantile(0.5),
          median,
          100 * (found.quantile(0.5) / median - 1),
          found.quantile(0.99),
          p99,
          100 * (found.quantile(0.99) / p99 - 1));
      // an acknowledgement that does not wait for the answer is a segment of its own
      assertThat(found.count()).isGreaterThanOrEqualTo(60);
      assertThat(found.quantile(0.5)).isCloseTo(median, withinPercentage(10));
      assertThat(found.quantile(0.99)).isCloseTo(p99, withinPercentage(10));
      client.tell("shutdown");
      server.answer();
    }
  }

  /**
   * The kernel does not report the segments that arrive once the other side has sent its end: when
   * a send was acknowledged then, nobody knows, and it is not made up when the connection ends.
   */
  @Test
  void whatIsAcknowledgedUnseenIsNotMeasured() {
    try (DelayLine line = DelayLine.create();
        PodCgroup serverPod = PodCgroup.create();
        PodCgroup clientPod = PodCgroup.create();
        TcpPeer server = TcpPeer.startIn(line.b(), serverPod);
        TcpPeer client = TcpPeer.startIn(line.a(), clientPod)) {
      line.delayMillis(10);
      client.connect(line.addressB(false), server.listen(line.addressB(false)));
      server.tell("accept");
      TcpMoved moved =
          TcpMoved.during(
              agent,
              () -> {
                client.tell("shutdown");
                assertThat(server.tell("receive 1 1")).isZero();
                server.tell("paced 1 100 1500");
                assertThat(client.tell("receive 100 100")).isEqualTo(100);
                server.tell("close");
                assertThat(client.tell("receive 1 1")).isZero();
              });
      TcpTimes times = new TcpTimes(moved, serverPod);
      proof(
          "a send behind the other side's end, 1.5 s before the own: %d send to ACK, %.6f s",
          times.count(TcpTimes.SEND_ACK), times.seconds(TcpTimes.SEND_ACK));
      assertThat(moved.sent(serverPod)).isEqualTo(100);
      assertThat(times.count(TcpTimes.SEND_ACK)).isZero();
    }
  }

  private static double rtt(String namespace, int port) {
    String ss =
        Command.run(
            "ip",
            "netns",
            "exec",
            namespace,
            "ss",
            "-Htin",
            "state",
            "established",
            "dport",
            "= :" + port);
    Matcher m = Pattern.compile("\\brtt:([0-9.]+)/").matcher(ss);
    assertThat(m.find()).as(ss).isTrue();
    return Double.parseDouble(m.group(1)) / 1e3;
  }
}
