package dev.sonde.agent.truth;

import static dev.sonde.agent.truth.TcpMoved.proof;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A connection is opened in the name of whose listener took it, before anybody has accepted it:
 * also where two workloads listen on one port, and where records are kept in a hash, which the
 * kernel does not hand on from listener to child. The servers' own counts are the truth.
 */
class TcpListenerOwnerIT {
  private static final String OPENS = "sonde_tcp_opens_total";
  private static final int CLIENTS = 3;
  private static final int EACH = 700;

  @TempDir Path directory;

  private static TcpPeer peer(PodCgroup pod, String namespace, String... command) {
    List<String> all = new ArrayList<>(List.of("ip", "netns", "exec", namespace));
    all.addAll(List.of(command));
    return TcpPeer.of(pod, all.toArray(String[]::new));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "tcp_owner=tp_btf",
        "tcp_owner=tp_btf_hash",
        "tcp_owner=raw_tp,tcp_send=raw_tp,tcp_receive=raw_tp"
      })
  void opensBelongToTheListener(String mechanism) {
    String program = Compiled.program(directory, "tcp_load").toString();
    try (LossyPair net = LossyPair.create(0);
        AgentProcess agent =
            AgentProcess.start(
                "--grpc-listen", "off", "--probes", "all,-sched", "--mechanism", mechanism);
        PodCgroup podA = PodCgroup.create();
        PodCgroup podB = PodCgroup.create();
        PodCgroup clientPod = PodCgroup.create();
        TcpPeer a = peer(podA, net.a(), program, "serve", "127.0.0.1", "server", "7100");
        TcpPeer b = peer(podB, net.a(), program, "serve", "127.0.0.1", "server", "7100")) {
      a.answer();
      b.answer();
      long[] visits = {0};
      TcpMoved moved =
          TcpMoved.during(
              agent,
              () -> {
                List<TcpPeer> clients = new ArrayList<>();
                for (int i = 0; i < CLIENTS; i++) {
                  clients.add(
                      peer(
                          clientPod,
                          net.a(),
                          program,
                          "visit",
                          "127.0.0.1",
                          "7100",
                          "server",
                          Integer.toString(EACH),
                          "1"));
                }
                clients.forEach(c -> visits[0] += c.answer());
                clients.forEach(TcpPeer::close);
              });
      long truthA = a.tell("how many");
      long truthB = b.tell("how many");
      proof(
          "opens before accept, %s: %d of %d and %d of %d, clients' %d of %d",
          mechanism,
          moved.of(OPENS, podA.labels("role", "server")),
          truthA,
          moved.of(OPENS, podB.labels("role", "server")),
          truthB,
          moved.of(OPENS, clientPod.labels("role", "client")),
          visits[0]);
      assertThat(visits[0]).isEqualTo((long) CLIENTS * EACH);
      assertThat(truthA + truthB).isEqualTo(visits[0]);
      assertThat(truthA).as("each has a part").isBetween(1L, visits[0] - 1);
      assertThat(moved.of(OPENS, podA.labels("role", "server"))).isEqualTo(truthA);
      assertThat(moved.of(OPENS, podB.labels("role", "server"))).isEqualTo(truthB);
      assertThat(moved.of(OPENS, clientPod.labels("role", "client"))).isEqualTo(visits[0]);
    }
  }
}
