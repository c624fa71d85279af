package dev.sonde.agent.truth;

import static dev.sonde.agent.truth.TcpMoved.proof;
import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** How long connections wait for accept(), against a server that sleeps before it. */
class TcpAcceptIT {
  private static final int CONNECTIONS = 30;
  private static final int MILLIS = 100;

  /** By system calls, which every kernel has, and which a user has to ask for. */
  @Test
  void acceptWaitIsWhatAServerSleeps() {
    try (TraceFs _ = TraceFs.mounted();
        AgentProcess agent =
            AgentProcess.start(
                "--probes",
                "all,-sched",
                "--mechanism",
                "tcp_accept=syscalls",
                "--grpc-listen",
                "off");
        PodCgroup pod = PodCgroup.create();
        TcpPeer peer = TcpPeer.start(pod)) {
      check(agent, pod, peer, CONNECTIONS, MILLIS);
    }
  }

  /** Not by itself: it would slow down every system call of the node. */
  @Test
  void systemCallsAreNotTracedUnasked() {
    try (AgentProcess agent =
        AgentProcess.start("--probes", "all,-sched", "--grpc-listen", "off")) {
      assertThat(
              agent
                  .scrape()
                  .samples("sonde_probe_up", "probe", "tcp_accept", "mechanism", "syscalls"))
          .isEmpty();
    }
  }

  static void check(AgentProcess agent, PodCgroup pod, TcpPeer peer, int connections, int millis) {
    long[] micros = new long[2];
    TcpMoved moved =
        TcpMoved.during(
            agent,
            () -> {
              micros[0] = peer.tell("acceptlate " + connections + " " + millis);
              micros[1] = peer.tell("most");
            });
    TcpTimes times = new TcpTimes(moved, pod);
    double least = micros[0] / 1e6;
    double most = micros[1] / 1e6;
    double found = times.seconds(TcpTimes.ACCEPT_WAIT);
    proof(
        "accept wait: %d of %d connections, %.4f s; the server's clock %.4f to %.4f s (%+.2f%% of"
            + " the least)",
        times.count(TcpTimes.ACCEPT_WAIT),
        connections,
        found,
        least,
        most,
        100 * (found - least) / least);
    assertThat(times.count(TcpTimes.ACCEPT_WAIT)).isEqualTo(connections);
    assertThat(found).isBetween(least, most);
  }
}
