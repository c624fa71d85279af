package dev.sonde.agent.truth;

import static dev.sonde.agent.truth.TcpMoved.proof;
import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * How long bytes wait, against peers that take known times: what a peer measures between two of its
 * own system calls brackets what the kernel saw.
 */
class TcpLatencyIT {
  private static final int MESSAGES = 50;

  private static AgentProcess agent;

  @BeforeAll
  static void start() {
    agent = AgentProcess.start("--probes", "all,-sched", "--grpc-listen", "off");
  }

  @AfterAll
  static void stop() {
    agent.close();
  }

  @Test
  void receiveWaitIsWhatAReaderSleeps() {
    try (LossyPair net = LossyPair.create(0);
        PodCgroup serverPod = PodCgroup.create();
        PodCgroup clientPod = PodCgroup.create();
        TcpPeer server = TcpPeer.startIn(net.b(), serverPod);
        TcpPeer client = TcpPeer.startIn(net.a(), clientPod)) {
      receiveWait(agent, net, server, serverPod, client, clientPod, MESSAGES, 40);
    }
  }

  static void receiveWait(
      AgentProcess agent,
      LossyPair net,
      TcpPeer server,
      PodCgroup serverPod,
      TcpPeer client,
      PodCgroup clientPod,
      int messages,
      int millis) {
    client.connect(net.addressB(), server.listen(net.addressB()));
    server.tell("accept");
    long[] figures = new long[3];
    TcpMoved moved =
        TcpMoved.during(
            agent,
            () -> {
              server.begin("late " + messages + " " + millis);
              client.tell("timed " + messages + " 500");
              figures[0] = server.answer();
              figures[1] = client.tell("beganall");
              figures[2] = server.tell("beganall");
            });
    TcpTimes times = new TcpTimes(moved, serverPod);
    // from the reader's process being awake, and from before the sender's call, to having read
    double least = figures[0] / 1e6;
    double most = (figures[2] - figures[1]) / 1e9;
    double found = times.seconds(TcpTimes.RECEIVE_WAIT);
    proof(
        "receive wait: %d of %d messages, %.4f s; from being awake to having read %.4f s (%+.2f%%),"
            + " from being sent to having been read %.4f s (%+.2f%%)",
        times.count(TcpTimes.RECEIVE_WAIT),
        messages,
        found,
        least,
        100 * (found - least) / least,
        most,
        100 * (found - most) / most);
    assertThat(times.count(TcpTimes.RECEIVE_WAIT)).isEqualTo(messages);
    assertThat(found).isBetween(least, most);
    // the reader wakes up some time after its data was there: that is part of the wait, and on an
    // emulated CPU tens of milliseconds
    assertThat(found).isGreaterThan(0.95 * most);
    TcpTimes sent = new TcpTimes(moved, clientPod);
    proof(
        "send to ACK: %d of %d messages, mean %.6f s",
        sent.count(TcpTimes.SEND_ACK), messages, sent.mean(TcpTimes.SEND_ACK));
    assertThat(sent.count(TcpTimes.SEND_ACK)).isEqualTo(messages);
    assertThat(sent.seconds(TcpTimes.SEND_ACK)).isPositive().isLessThan(most);
  }
}
