package dev.sonde.exporter.grpc;

import static dev.sonde.exporter.grpc.GrpcFixture.DB;
import static dev.sonde.exporter.grpc.GrpcFixture.SSH;
import static dev.sonde.exporter.grpc.GrpcFixture.WATCH;
import static dev.sonde.exporter.grpc.GrpcFixture.WEB;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.google.protobuf.DynamicMessage;
import com.google.protobuf.util.JsonFormat;
import dev.sonde.exporter.events.EventHub;
import dev.sonde.exporter.model.Event;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class WatchEventsTest {
  private final GrpcFixture it;

  WatchEventsTest() throws GrpcStartException {
    it = new GrpcFixture();
  }

  @AfterEach
  void close() {
    it.close();
  }

  /** "started 0", "event 3", "lost 1-2". */
  private static String next(GenericGrpcClient.Stream watch) throws InterruptedException {
    DynamicMessage m = Objects.requireNonNull(watch.next());
    var entry = m.getAllFields().entrySet().iterator().next();
    DynamicMessage body = (DynamicMessage) entry.getValue();
    return switch (entry.getKey().getName()) {
      case "started" -> "started " + number(body, "newest_sequence");
      case "event" -> "event " + number(body, "sequence");
      case "lost" -> {
        long first = number(body, "first_sequence");
        long last = number(body, "last_sequence");
        assertThat(number(body, "count")).isEqualTo(last - first + 1);
        yield "lost " + first + "-" + last;
      }
      default -> throw new AssertionError(m);
    };
  }

  private static long number(DynamicMessage m, String field) {
    return (Long) m.getField(m.getDescriptorForType().findFieldByName(field));
  }

  private String resume(long after) {
    return "{\"epoch\":\"" + it.hub.epoch() + "\",\"afterSequence\":\"" + after + "\"}";
  }

  @Test
  void streamsEventsWhole() throws Exception {
    try (GenericGrpcClient.Stream watch =
        it.client.stream(WATCH, "{\"kinds\":[\"EVENT_KIND_TCP_RETRANSMIT\"]}")) {
      assertThat(JsonFormat.printer().print(watch.next())).contains(it.hub.epoch());
      it.publish(WEB);
      assertThat(JsonFormat.printer().omittingInsignificantWhitespace().print(watch.next()))
          .isEqualTo(
              ("{'event':{'sequence':'1','start':'2026-02-03T04:05:06.789Z','duration':'1.500s',"
                      + "'workload':{'namespace':'shop','pod':'web-1','container':'nginx'},"
                      + "'tcpRetransmit':{'type':'timeout','segments':2,'state':'established',"
                      + "'local':'10.0.0.1:5201','remote':'[fd00::1]:443'}}}")
                  .replace('\'', '"'));
    }
    await().until(() -> it.hub.subscribers() == 0);
  }

  /** What each kind of a connection's events says, as JSON; and that a filter tells them apart. */
  @Test
  void streamsConnectionsAndFindingsWhole() throws Exception {
    Map<String, String> kinds = new LinkedHashMap<>();
    kinds.put(
        "TCP_OPEN", "'tcpOpen':{'role':'client','local':'10.0.0.1:40000','remote':'[::1]:80'}");
    kinds.put(
        "TCP_CLOSE",
        "'tcpClose':{'reason':'peer','state':'last-ack','sentBytes':'5000000000',"
            + "'receivedBytes':'7','local':'10.0.0.1:40000','remote':'[::1]:80'}");
    kinds.put(
        "TCP_CONNECT_FAILED",
        "'tcpConnectFailed':{'reason':'refused','local':'10.0.0.1:40000','remote':'[::1]:80'}");
    kinds.put(
        "TCP_RESET",
        "'tcpReset':{'direction':'sent','state':'established','local':'10.0.0.1:40000',"
            + "'remote':'[::1]:80'}");
    kinds.put(
        "TCP_FINDING",
        "'tcpFinding':{'finding':'reconnect_churn','holds':true,'count':'6012',"
            + "'threshold':'6000'}");
    List<GenericGrpcClient.Stream> watches = new ArrayList<>();
    for (String kind : kinds.keySet()) {
      watches.add(it.client.stream(WATCH, "{\"kinds\":[\"EVENT_KIND_" + kind + "\"]}"));
      assertThat(next(watches.getLast())).isEqualTo("started 0");
    }
    Duration d = Duration.ofMillis(1500);
    String local = "10.0.0.1:40000";
    String remote = "[::1]:80";
    it.hub.publish(new Event.TcpOpen(1, GrpcFixture.AT, d, WEB, "client", local, remote));
    it.hub.publish(
        new Event.TcpClose(
            2, GrpcFixture.AT, d, WEB, "peer", "last-ack", 5_000_000_000L, 7, local, remote));
    it.hub.publish(new Event.TcpConnectFailed(3, GrpcFixture.AT, d, WEB, "refused", local, remote));
    it.hub.publish(
        new Event.TcpReset(4, GrpcFixture.AT, d, WEB, "sent", "established", local, remote));
    it.hub.publish(
        new Event.TcpFinding(5, GrpcFixture.AT, d, WEB, "reconnect_churn", true, 6012, 6000));
    int sequence = 0;
    for (String kind : kinds.values()) {
      GenericGrpcClient.Stream watch = watches.get(sequence++);
      assertThat(JsonFormat.printer().omittingInsignificantWhitespace().print(watch.next()))
          .isEqualTo(
              ("{'event':{'sequence':'"
                      + sequence
                      + "','start':'2026-02-03T04:05:06.789Z','duration':'1.500s',"
                      + "'workload':{'namespace':'shop','pod':'web-1','container':'nginx'},"
                      + kind
                      + "}}")
                  .replace('\'', '"'));
      assertThat(watch.waiting()).as("another kind").isZero();
    }
    watches.forEach(GenericGrpcClient.Stream::close);
  }

  @Test
  void filtersByOwner() throws Exception {
    try (GenericGrpcClient.Stream pod =
            it.client.stream(WATCH, "{\"matchers\":[{\"label\":\"pod\",\"equal\":\"web-1\"}]}");
        GenericGrpcClient.Stream host =
            it.client.stream(WATCH, "{\"matchers\":[{\"label\":\"unit\",\"notEqual\":\"\"}]}")) {
      assertThat(next(pod)).isEqualTo("started 0");
      assertThat(next(host)).isEqualTo("started 0");
      it.publish(DB);
      it.publish(SSH);
      it.publish(WEB);
      it.publish(SSH);
      assertThat(next(pod)).isEqualTo("event 3");
      assertThat(next(host)).isEqualTo("event 2");
      assertThat(next(host)).isEqualTo("event 4");
    }
  }

  @Test
  void resumesWithoutRepeatingOrMissingAnEvent() throws Exception {
    for (int i = 0; i < 5; i++) {
      it.publish(WEB);
    }
    try (GenericGrpcClient.Stream watch = it.client.stream(WATCH, resume(3))) {
      assertThat(next(watch)).isEqualTo("started 5");
      assertThat(next(watch)).isEqualTo("event 4");
      assertThat(next(watch)).isEqualTo("event 5");
      it.publish(WEB);
      assertThat(next(watch)).isEqualTo("event 6");
    }
  }

  @Test
  void tellsWhatIsNoLongerRetainedWhenResuming() throws Exception {
    for (int i = 0; i < EventHub.DEFAULT_RETAINED + 100; i++) {
      it.publish(WEB);
    }
    try (GenericGrpcClient.Stream watch = it.client.stream(WATCH, resume(10))) {
      assertThat(next(watch)).isEqualTo("started 4196");
      assertThat(next(watch)).isEqualTo("lost 11-100");
      assertThat(next(watch)).isEqualTo("event 101");
    }
  }

  @Test
  void anotherRunsSequenceMeansNothing() throws Exception {
    it.publish(WEB);
    it.publish(WEB);
    try (GenericGrpcClient.Stream watch =
        it.client.stream(WATCH, "{\"epoch\":\"earlier\",\"afterSequence\":\"70000\"}")) {
      DynamicMessage started = Objects.requireNonNull(watch.next());
      assertThat(JsonFormat.printer().print(started)).doesNotContain("resumed");
      assertThat(next(watch)).isEqualTo("event 1");
      assertThat(next(watch)).isEqualTo("event 2");
    }
  }

  @Test
  void refusesAResumeThatCannotBeMeant() {
    assertThatThrownBy(it.client.stream(WATCH, "{\"afterSequence\":\"1\"}")::next)
        .hasMessageStartingWith("INVALID_ARGUMENT: epoch: missing");
    assertThatThrownBy(it.client.stream(WATCH, resume(7))::next)
        .hasMessage(
            "INVALID_ARGUMENT: after_sequence: 7 is beyond the newest event of this epoch, 0");
    assertThatThrownBy(it.client.stream(WATCH, "{\"kinds\":[77]}")::next)
        .hasMessageContaining("INVALID_ARGUMENT: kinds[0]: this agent does not know kind 77");
  }

  @Test
  void aSlowClientCostsNoMemoryAndIsToldWhatItMissed() throws Exception {
    int events = 100_000;
    try (GenericGrpcClient.Stream slow = it.client.lazyStream(WATCH, "{}");
        GenericGrpcClient quickClient = it.newClient();
        GenericGrpcClient.Stream quick = quickClient.stream(WATCH, "{}")) {
      slow.request(1);
      assertThat(next(slow)).isEqualTo("started 0");
      assertThat(next(quick)).isEqualTo("started 0");
      // The quick one reads along, so that it can lose nothing.
      for (int i = 1; i <= events; i++) {
        it.publish(WEB);
        if (i % 1000 == 0) {
          String last;
          do {
            last = next(quick);
            assertThat(last).startsWith("event ");
          } while (!last.equals("event " + i));
        }
      }
      long lost = it.hub.lost();
      assertThat(lost).isBetween(events / 2L, events - EventHub.DEFAULT_RETAINED / 2L);

      List<String> seen = new ArrayList<>();
      long told = 0;
      long missed = 0;
      while (told < events) {
        slow.request(1);
        String m = next(slow);
        seen.add(m);
        String[] numbers = m.substring(m.indexOf(' ') + 1).split("-", -1);
        assertThat(Long.parseLong(numbers[0])).isEqualTo(told + 1);
        told = Long.parseLong(numbers[numbers.length - 1]);
        missed += m.startsWith("lost") ? told - Long.parseLong(numbers[0]) + 1 : 0;
      }
      assertThat(missed).isEqualTo(lost).isEqualTo(it.hub.lost());
      assertThat(seen).anyMatch(s -> s.startsWith("lost "));
    }
  }
}
