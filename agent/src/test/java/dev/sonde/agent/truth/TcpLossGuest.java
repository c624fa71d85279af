package dev.sonde.agent.truth;

import static dev.sonde.agent.truth.TcpMoved.proof;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sonde.agent.guest.Guest;
import dev.sonde.agent.guest.Patience;
import java.util.Map;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/** Retransmits by type under loss that netem makes, against the sender's namespace. */
@Guest(
    tier = 3,
    kernels = {"5.10", "6.12", "6.18"})
class TcpLossGuest {
  @Test
  void everyTypeIsWhatTheNamespaceCounted() {
    try (AgentProcess agent = AgentProcess.start("--probes", "all,-sched", "--grpc-listen", "off");
        LossyPair net = LossyPair.create(0);
        PodCgroup senderPod = PodCgroup.create();
        PodCgroup receiverPod = PodCgroup.create();
        TcpPeer receiver = TcpPeer.startIn(net.b(), receiverPod);
        TcpPeer sender = TcpPeer.startIn(net.a(), senderPod)) {
      // one segment a packet, so that each is lost by itself; delay, so that many are on their way
      Command.run("ip", "-n", net.a(), "link", "set", "eth0", "gso_max_segs", "1");
      Command.run(
          "ip", "netns", "exec", net.b(), "tc", "qdisc", "add", "dev", "eth0", "root", "netem",
          "delay", "20ms");
      sender.connect(net.addressB(), receiver.listen(net.addressB()));
      receiver.tell("accept");
      Map<String, Long> before = Netns.counters(net.a());
      TcpMoved moved =
          TcpMoved.during(
              agent,
              () -> {
                Netns.nft(
                    net.b(),
                    "add table inet lost",
                    "add chain inet lost input { type filter hook input priority 0; }",
                    "add rule inet lost input tcp flags & syn == 0 numgen random mod 100 < 5 drop");
                receiver.begin("drain 65536");
                sender.tell("send 3000000 65536");
                receiver.begin("close");
                sender.tell("shutdown");
                assertThat(receiver.answer()).isEqualTo(3_000_000);
                receiver.answer();
                // single segments, whose loss no later one tells of
                Netns.nft(net.b(), "flush chain inet lost input");
                sender.connect(net.addressB(), receiver.listen(net.addressB()));
                receiver.tell("accept");
                receiver.begin("echo 4096");
                Netns.nft(net.b(), "add rule inet lost input numgen random mod 100 < 10 drop");
                sender.tell("ask 100 100");
                Netns.nft(net.b(), "flush chain inet lost input");
                sender.tell("shutdown");
                receiver.answer();
                // SYNs that get no answer
                Netns.nft(net.b(), "add rule inet lost input tcp dport 9 drop");
                sender.tell("flood " + net.addressB() + " 9 20");
                Awaitility.await("each SYN to have been sent again")
                    .atMost(Patience.seconds(20))
                    .until(
                        () ->
                            Netns.counters(net.a()).getOrDefault("TcpExtTCPSynRetrans", 0L) >= 20);
                sender.tell("release");
              });
      Map<String, Long> after = Netns.counters(net.a());
      long all = step(before, after, Netns.RETRANSMITTED);
      long syn = step(before, after, "TcpExtTCPSynRetrans");
      long fast = step(before, after, "TcpExtTCPFastRetrans");
      // TCPTimeouts has those of SYNs in it
      long timeout =
          step(before, after, "TcpExtTCPSlowStartRetrans")
              + step(before, after, "TcpExtTCPTimeouts")
              - syn;
      proof(
          "%s: all %d of TcpRetransSegs %d; syn %d of TCPSynRetrans %d; fast %d of TCPFastRetrans"
              + " %d; timeout %d of TCPSlowStartRetrans + TCPTimeouts - SYN %d; tail_loss_probe %d"
              + " of the rest %d (TCPLossProbes %d)",
          Expected.GUEST,
          moved.retransmits(senderPod),
          all,
          moved.retransmits(senderPod, "syn"),
          syn,
          moved.retransmits(senderPod, "fast"),
          fast,
          moved.retransmits(senderPod, "timeout"),
          timeout,
          moved.retransmits(senderPod, "tail_loss_probe"),
          all - syn - fast - timeout,
          step(before, after, "TcpExtTCPLossProbes"));
      assertThat(moved.retransmits(senderPod)).isEqualTo(all);
      assertThat(moved.retransmits(senderPod, "syn")).isEqualTo(syn).isGreaterThanOrEqualTo(20);
      assertThat(moved.retransmits(senderPod, "fast")).isEqualTo(fast).isPositive();
      assertThat(moved.retransmits(senderPod, "timeout")).isEqualTo(timeout);
      assertThat(moved.retransmits(senderPod, "tail_loss_probe"))
          .isEqualTo(all - syn - fast - timeout)
          .isBetween(1L, step(before, after, "TcpExtTCPLossProbes"));
      assertThat(moved.retransmits(receiverPod))
          .isEqualTo(Netns.counters(net.b()).getOrDefault(Netns.RETRANSMITTED, 0L));
    }
  }

  private static long step(Map<String, Long> before, Map<String, Long> after, String name) {
    return after.getOrDefault(name, 0L) - before.getOrDefault(name, 0L);
  }
}
