package dev.sonde.exporter.grpc;

import static dev.sonde.exporter.grpc.GrpcFixture.HEALTH;
import static dev.sonde.exporter.grpc.GrpcFixture.LIST;
import static dev.sonde.exporter.grpc.GrpcFixture.QUERY;
import static dev.sonde.exporter.grpc.GrpcFixture.WATCH;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.sonde.exporter.access.Access;
import dev.sonde.exporter.model.Readiness;
import io.grpc.StatusRuntimeException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class GrpcFrontendTest {
  private final GrpcFixture it;

  GrpcFrontendTest() throws GrpcStartException {
    it = new GrpcFixture();
  }

  @AfterEach
  void close() {
    it.close();
  }

  private void assertRefused(String method, String json, String... inMessage) {
    assertThatExceptionOfType(StatusRuntimeException.class)
        .isThrownBy(() -> it.client.call(method, json))
        .satisfies(
            e ->
                assertThat(e.getMessage())
                    .startsWith("INVALID_ARGUMENT: ")
                    .contains((CharSequence[]) inMessage));
  }

  @Test
  void listsItsServicesByReflection() {
    assertThat(it.client.services())
        .containsExactly(
            "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection", "sonde.v1.Observer");
  }

  @Test
  void answersAQueryWithScalarsAndTheirIdentity() throws Exception {
    String json =
        it.client.callJson(
            QUERY,
            "{'metrics':['sonde_tcp_*'],'matchers':[{'label':'pod','equal':'web-1'}]}"
                .replace('\'', '"'));
    assertThat(json)
        .isEqualTo(
            ("{'epoch':'"
                    + it.hub.epoch()
                    + "','sequence':'42','time':'2026-02-03T04:05:06.789Z','metrics':[{'name':"
                    + "'sonde_tcp_sent_bytes_total','help':'Bytes sent.','type':"
                    + "'METRIC_TYPE_COUNTER','series':[{'labels':{'node':'node-a','namespace':"
                    + "'shop','pod':'web-1','container':'nginx','unit':''},'created':"
                    + "'1970-01-01T00:00:01Z','scalar':1000000.0}]}],'matched':'1'}")
                .replace('\'', '"'));
  }

  @Test
  void answersAQueryWithHistograms() throws Exception {
    String json = it.client.callJson(QUERY, "{\"metrics\":[\"sonde_sched_run_queue_seconds\"]}");
    assertThat(json)
        .contains("\"reason\":\"wakeup\"")
        .contains(
            ("'histogram':{'schema':2,'zeroThreshold':8.212E-4,'zeroCount':'7','firstIndex':-40,"
                    + "'counts':['1','0','5'],'overflow':'2','sum':0.25,'count':'15'}")
                .replace('\'', '"')
                .replace("8.212E-4", String.valueOf(Math.pow(2, -41 / 4.0))));
  }

  @Test
  void boundsAnAnswerInSeries() throws Exception {
    assertThat(it.client.callJson(QUERY, "{}"))
        .contains("\"matched\":\"7\"")
        .doesNotContain("truncated");
    assertThat(it.client.callJson(QUERY, "{\"limit\":4}"))
        .contains("\"matched\":\"7\"", "\"truncated\":true", "sonde_open_files")
        .doesNotContain("sonde_sched_run_queue_seconds");
  }

  @Test
  void boundsAnAnswerInBytes() {
    it.snapshot = GrpcFixture.largeSnapshot(20_000);
    var answer = it.client.call(QUERY, "{\"limit\":10000}");
    assertThat(answer.getSerializedSize())
        .isBetween(GrpcLimits.ANSWER_BYTES * 9 / 10, GrpcLimits.ANSWER_BYTES + 1024);
    var type = answer.getDescriptorForType();
    assertThat(answer.getField(type.findFieldByName("truncated"))).isEqualTo(true);
    assertThat(answer.getField(type.findFieldByName("matched"))).isEqualTo(20_000L);
  }

  @Test
  void saysWhatIsWrongWithASelector() {
    assertRefused(QUERY, "{\"metrics\":[\"sonde{pod}\"]}", "metrics[0]", "sonde{pod}");
    assertRefused(QUERY, "{\"matchers\":[{\"label\":\"pod\"}]}", "matchers[0]", "set one of");
    assertRefused(
        QUERY, "{\"matchers\":[{\"label\":\"pod\",\"regex\":\"(\"}]}", "matchers[0].regex");
    assertRefused(QUERY, "{\"limit\":10001}", "limit", "10001", "10000");
    assertRefused(
        LIST,
        "{\"matchers\":[{\"label\":\"node\",\"equal\":\"a\"}]}",
        "matchers[0].label",
        "namespace, pod, container, unit");
  }

  @Test
  void isUnavailableWithTheReasonUntilThereIsASnapshot() {
    it.snapshot = null;
    it.readiness = new Readiness.NotReady("no probe has attached for 3 s");
    assertThatThrownBy(() -> it.client.call(QUERY, "{}"))
        .hasMessage("UNAVAILABLE: no snapshot yet: no probe has attached for 3 s");
  }

  @Test
  void listsWorkloads() throws Exception {
    assertThat(it.client.callJson(LIST, "{}")).contains("\"matched\":\"3\"", "web-1", "ssh");
    assertThat(
            it.client.callJson(
                LIST, "{\"matchers\":[{\"label\":\"pod\",\"regex\":\"(db|cache)-.*\"}]}"))
        .isEqualTo(
            ("{'epoch':'"
                    + it.hub.epoch()
                    + "','workloads':[{'workload':{'namespace':'shop','pod':'db-0','container':"
                    + "'postgres'},'cgroupPath':'/kubepods/pod2/c2','cgroupId':'4712'}],"
                    + "'matched':'1'}")
                .replace('\'', '"'));
    assertThat(it.client.callJson(LIST, "{\"matchers\":[{\"label\":\"pod\",\"equal\":\"\"}]}"))
        .as("an id is unsigned")
        .contains("\"cgroupId\":\"18446744073709551615\"")
        .doesNotContain("web-1");
  }

  @Test
  void healthFollowsReadiness() throws Exception {
    assertThat(it.client.callJson(HEALTH, "{}")).contains("\"SERVING\"");
    it.readiness = new Readiness.NotReady("drain is stuck");
    await().until(() -> it.client.callJson(HEALTH, "{}").contains("NOT_SERVING"));
    it.readiness = new Readiness.Ready();
    await()
        .until(
            () ->
                it.client
                    .callJson(HEALTH, "{\"service\":\"sonde.v1.Observer\"}")
                    .contains("\"SERVING\""));
  }

  @Test
  void isNotServingFromItsFirstMomentIfNotReady() throws Exception {
    it.readiness = new Readiness.NotReady("starting");
    try (GrpcFrontend other = GrpcFrontend.start(GrpcFixture.loopback(0), it.inputs());
        GenericGrpcClient client =
            GenericGrpcClient.connect("127.0.0.1", other.address().getPort())) {
      assertThat(client.callJson(HEALTH, "{}")).contains("NOT_SERVING");
    }
  }

  @Test
  void listensOnItsAddressOnly() {
    assertThat(it.server.address().getAddress().getHostAddress()).isEqualTo("127.0.0.1");
    assertThatThrownBy(
            () -> {
              try (Socket s = new Socket(InetAddress.ofLiteral("127.0.0.2"), it.port())) {
                throw new AssertionError("connected: " + s);
              }
            })
        .isInstanceOf(ConnectException.class);
  }

  @Test
  void servesWhoConnectedBeforeItStarted() throws Exception {
    try (GrpcPort port = GrpcPort.listen(GrpcFixture.loopback(0), Access.open());
        GenericGrpcClient early = GenericGrpcClient.connect("127.0.0.1", port.address().getPort());
        ExecutorService other = Executors.newSingleThreadExecutor()) {
      Future<String> answer = other.submit(() -> early.callJson(HEALTH, "{}"));
      assertThatThrownBy(() -> answer.get(300, TimeUnit.MILLISECONDS))
          .isInstanceOf(TimeoutException.class);
      try (GrpcFrontend server = GrpcFrontend.start(port, it.inputs())) {
        assertThat(server.address()).isEqualTo(port.address());
        assertThat(answer.get(10, TimeUnit.SECONDS)).contains("SERVING");
      }
    }
  }

  @Test
  void saysWhyItCannotListen() {
    assertThatThrownBy(() -> GrpcFrontend.start(it.server.address(), it.inputs()))
        .isInstanceOf(GrpcStartException.class)
        .hasMessage(
            "gRPC: listen on 127.0.0.1:"
                + it.port()
                + ": the port is taken; stop the other process (an agent?) or give another port");
    assertThatThrownBy(
            () ->
                GrpcFrontend.start(
                    new InetSocketAddress(InetAddress.ofLiteral("192.0.2.1"), 9521), it.inputs()))
        .isInstanceOf(GrpcStartException.class)
        .hasMessageContaining("192.0.2.1:9521: this machine has no such address");
    assertThatThrownBy(
            () ->
                GrpcFrontend.start(
                    InetSocketAddress.createUnresolved("no.such.host", 9521), it.inputs()))
        .isInstanceOf(GrpcStartException.class)
        .hasMessageContaining("no.such.host:9521: unknown host");
  }

  @Test
  void closingTellsWatchersAndFreesThePort() throws Exception {
    try (GenericGrpcClient.Stream watch = it.client.stream(WATCH, "{}")) {
      assertThat(watch.next()).isNotNull();
      int port = it.port();
      it.server.close();
      assertThatThrownBy(watch::next).hasMessage("UNAVAILABLE: the agent is shutting down");
      assertThat(it.hub.subscribers()).isZero();
      try (GrpcFrontend next = GrpcFrontend.start(GrpcFixture.loopback(port), it.inputs())) {
        assertThat(next.address().getPort()).isEqualTo(port);
      }
    }
  }
}
