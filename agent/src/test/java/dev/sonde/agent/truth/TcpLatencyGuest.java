package dev.sonde.agent.truth;

import static dev.sonde.agent.truth.TcpMoved.proof;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sonde.agent.guest.Guest;
import org.junit.jupiter.api.Test;

/** Round trips, connects and acknowledgements against a delay that netem makes. */
@Guest(kernels = {"6.18"})
class TcpLatencyGuest {
  private static final int DELAY_MILLIS = 100;
  private static final int MESSAGES = 20;

  @Test
  void findsTheDelay() {
    try (LossyPair net = LossyPair.create(0);
        PodCgroup serverPod = PodCgroup.create();
        PodCgroup clientPod = PodCgroup.create();
        TcpPeer server = TcpPeer.startIn(net.b(), serverPod);
        TcpPeer client = TcpPeer.startIn(net.a(), clientPod);
        AgentProcess agent = AgentProcess.start("--probes", "all,-sched", "--grpc-listen", "off")) {
      Command.run(
          "ip",
          "netns",
          "exec",
          net.b(),
          "tc",
          "qdisc",
          "add",
          "dev",
          "eth0",
          "root",
          "netem",
          "delay",
          DELAY_MILLIS + "ms");
      // the first packet of all waits for ARP, which netem delays too
      client.connect(net.addressB(), server.listen(net.addressB()));
      TcpMoved moved =
          TcpMoved.during(
              agent,
              () -> {
                client.connect(net.addressB(), server.listen(net.addressB()));
                server.tell("accept");
                server.begin("echo 4096");
                client.tell("ask " + MESSAGES + " 500");
                client.tell("shutdown");
                server.answer();
              });
      TcpTimes times = new TcpTimes(moved, clientPod);
      double delay = DELAY_MILLIS / 1e3;
      proof(
          "%d ms: connect %.6f s of %d, send to ACK %.6f s of %d, RTT %.6f s of %d samples",
          DELAY_MILLIS,
          times.mean(TcpTimes.CONNECT),
          times.count(TcpTimes.CONNECT),
          times.mean(TcpTimes.SEND_ACK),
          times.count(TcpTimes.SEND_ACK),
          times.mean(TcpTimes.RTT),
          times.count(TcpTimes.RTT));
      assertThat(times.count(TcpTimes.CONNECT)).isEqualTo(1);
      assertThat(times.count(TcpTimes.SEND_ACK)).isEqualTo(MESSAGES);
      assertThat(times.count(TcpTimes.RTT)).isPositive();
      assertThat(times.mean(TcpTimes.CONNECT)).isGreaterThanOrEqualTo(delay);
      assertThat(times.mean(TcpTimes.SEND_ACK)).isGreaterThanOrEqualTo(delay);
      // an emulated CPU takes its time beside the delay
      assertThat(times.mean(TcpTimes.CONNECT)).isLessThan(delay * 1.5);
      assertThat(times.mean(TcpTimes.SEND_ACK)).isLessThan(delay * 1.5);
      assertThat(times.mean(TcpTimes.RTT)).isBetween(delay, delay * 1.5);
    }
  }
}
