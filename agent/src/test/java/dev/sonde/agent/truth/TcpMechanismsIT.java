package dev.sonde.agent.truth;

import static dev.sonde.agent.truth.TcpMoved.proof;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.withinPercentage;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Every rung of the TCP ladders that this kernel lets attach counts the same; each alone, on more
 * kernels: {@code RungsGuest}.
 */
class TcpMechanismsIT {
  @ParameterizedTest
  @ValueSource(
      strings = {
        "tcp_owner=tp_btf_hash,tcp_send=tp_btf",
        "tcp_send=raw_tp,tcp_receive=raw_tp,tcp_retransmit=raw_tp",
        "tcp_owner=raw_tp,tcp_send=raw_tp,tcp_receive=tracepoint,tcp_retransmit=tracepoint",
        "buffer=perf"
      })
  void countsTheSame(String mechanism) {
    try (TraceFs tracing = TraceFs.mounted();
        LossyPair net = LossyPair.create(5);
        PodCgroup serverPod = PodCgroup.create();
        PodCgroup clientPod = PodCgroup.create();
        TcpPeer server = TcpPeer.startIn(net.b(), serverPod);
        TcpPeer client = TcpPeer.startIn(net.a(), clientPod);
        AgentProcess agent =
            AgentProcess.start(
                "--probes", "all,-sched", "--grpc-listen", "off", "--mechanism", mechanism)) {
      assertThat(tracing).isNotNull();
      // a segment a packet: enough losses that one is less than the tolerance
      Command.run("ip", "-n", net.a(), "link", "set", "eth0", "gso_max_segs", "1");
      long resentBefore = Netns.retransmitted(net.a());
      TcpMoved moved =
          TcpMoved.during(
              agent,
              () -> {
                client.connect(net.addressB(), server.listen(net.addressB()));
                server.tell("accept");
                server.begin("receive 15234567 65536");
                client.tell("sendfile 3234567");
                client.tell("send 12000000 5000");
                assertThat(server.answer()).isEqualTo(15_234_567);
                server.begin("echo 4096");
                client.tell("ask 150 99");
                client.tell("shutdown");
                assertThat(server.answer()).isEqualTo(14_850);
              });
      long truth = Netns.retransmitted(net.a()) - resentBefore;
      Scrape after = moved.after();
      proof(
          "%s: sent %,d, received %,d of 15,249,417; echoed %,d, heard %,d of 14,850; resent %d of"
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
      assertThat(moved.sent(clientPod)).isEqualTo(15_249_417);
      assertThat(moved.received(serverPod)).isEqualTo(15_249_417);
      assertThat(moved.sent(serverPod)).isEqualTo(14_850);
      assertThat(moved.received(clientPod)).isEqualTo(14_850);
      assertThat(truth).as("segments that loss made TCP resend").isGreaterThan(50);
      long answered = Netns.retransmitted(net.b());
      assertThat(moved.retransmits(serverPod)).isBetween(0L, answered);
      assertThat((double) moved.retransmits(clientPod) + moved.retransmits(serverPod))
          .isCloseTo(truth + answered, withinPercentage(2));
      assertThat(moved.retransmits(clientPod)).isBetween(truth - truth / 50, truth);
      assertThat(moved.of(TcpMoved.SENT, "unit", "~unknown")).isZero();
      assertThat(moved.of(TcpMoved.RETRANSMITS, "unit", "~unknown")).isZero();
    }
  }
}
