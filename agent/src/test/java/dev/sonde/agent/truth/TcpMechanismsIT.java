package dev.sonde.agent.truth;

import static dev.sonde.agent.truth.TcpMoved.proof;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.withinPercentage;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Every rung of the TCP ladders that this kernel lets attach counts the same. */
class TcpMechanismsIT {
  private static TraceFs tracing;

  @BeforeAll
  static void mount() {
    tracing = TraceFs.mounted();
  }

  @AfterAll
  static void unmount() {
    tracing.close();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "tcp_owner=tp_btf",
        "tcp_owner=tp_btf_hash",
        "tcp_owner=raw_tp",
        "tcp_send=tp_btf",
        "tcp_send=raw_tp",
        "tcp_receive=raw_tp",
        "tcp_receive=tracepoint",
        "tcp_retransmit=raw_tp",
        "tcp_retransmit=tracepoint",
        "tcp_owner=raw_tp,tcp_send=raw_tp,tcp_receive=tracepoint,tcp_retransmit=tracepoint",
        "buffer=perf"
      })
  void countsTheSame(String mechanism) {
    try (LossyPair net = LossyPair.create(5);
        PodCgroup serverPod = PodCgroup.create();
        PodCgroup clientPod = PodCgroup.create();
        TcpPeer server = TcpPeer.startIn(net.b(), serverPod);
        TcpPeer client = TcpPeer.startIn(net.a(), clientPod);
        AgentProcess agent =
            AgentProcess.start(
                "--probes", "all,-sched", "--grpc-listen", "off", "--mechanism", mechanism)) {
      long resentBefore = Netns.retransmitted(net.a());
      TcpMoved moved =
          TcpMoved.during(
              agent,
              () -> {
                client.connect(net.addressB(), server.listen(net.addressB()));
                server.tell("accept");
                server.begin("receive 1234567 10000");
                client.tell("sendfile 234567");
                client.tell("send 1000000 1000");
                assertThat(server.answer()).isEqualTo(1_234_567);
                server.begin("echo 4096");
                client.tell("ask 150 99");
                client.tell("shutdown");
                assertThat(server.answer()).isEqualTo(14_850);
              });
      long truth = Netns.retransmitted(net.a()) - resentBefore;
      Scrape after = moved.after();
      proof(
          "%s: sent %,d, received %,d of 1,249,417; echoed %,d, heard %,d of 14,850; resent %d of"
              + " %d; events written %.0f, read %.0f",
          mechanism,
          moved.sent(clientPod),
          moved.received(serverPod),
          moved.sent(serverPod),
          moved.received(clientPod),
          moved.retransmits(clientPod),
          truth,
          after.sum("sonde_events_written_total"),
          after.sum("sonde_events_read_total"));
      for (String forced : mechanism.split(",")) {
        String[] choice = forced.split("=");
        if (!choice[0].equals("buffer")) {
          assertThat(after.sum("sonde_probe_up", "probe", choice[0], "mechanism", choice[1]))
              .as(forced + "\n" + agent.log())
              .isEqualTo(1);
        }
      }
      assertThat(moved.sent(clientPod)).isEqualTo(1_249_417);
      assertThat(moved.received(serverPod)).isEqualTo(1_249_417);
      assertThat(moved.sent(serverPod)).isEqualTo(14_850);
      assertThat(moved.received(clientPod)).isEqualTo(14_850);
      assertThat(truth).as("segments that loss made TCP resend").isPositive();
      assertThat((double) moved.retransmits(clientPod)).isCloseTo(truth, withinPercentage(2));
      assertThat(moved.retransmits(serverPod)).isEqualTo(Netns.retransmitted(net.b()));
      assertThat(moved.of(TcpMoved.SENT, "unit", "~unknown")).isZero();
      assertThat(moved.of(TcpMoved.RETRANSMITS, "unit", "~unknown")).isZero();
    }
  }
}
