package dev.sonde.agent.truth;

import java.util.Locale;
import java.util.function.Supplier;

/**
 * What an agent's TCP counters moved by between two scrapes that enclose a load.
 *
 * {@snippet :
 * TcpMoved moved = TcpMoved.during(agent, () -> client.tell("send 1000 10"));
 * moved.sent(pod); // 1000
 * }
 */
record TcpMoved(Scrape before, Scrape after) {
  static final String SENT = "sonde_tcp_sent_bytes_total";
  static final String RECEIVED = "sonde_tcp_received_bytes_total";
  static final String RETRANSMITS = "sonde_tcp_retransmits_total";

  /** The load has ended when it returns. */
  static TcpMoved during(AgentProcess agent, Runnable load) {
    Scrape before = agent.fresh();
    load.run();
    return new TcpMoved(before, agent.fresh());
  }

  /**
   * For what goes on while it is read: reads the source, the agent and the source again until the
   * source has not moved meanwhile.
   *
   * @param before of the agent, when the source stood at zero
   */
  static TcpMoved quiet(AgentProcess agent, Scrape before, Supplier<Long> source) {
    for (int i = 0; i < 20; i++) {
      long first = source.get();
      Scrape now = agent.fresh();
      if (source.get() == first) {
        return new TcpMoved(before, now);
      }
    }
    throw new AssertionError("the source was never at rest during a scrape");
  }

  long of(String name, String... labels) {
    return Math.round(after.sum(name, labels) - before.sum(name, labels));
  }

  long sent(PodCgroup pod) {
    return of(SENT, pod.labels());
  }

  long received(PodCgroup pod) {
    return of(RECEIVED, pod.labels());
  }

  long retransmits(PodCgroup pod) {
    return of(RETRANSMITS, pod.labels());
  }

  long retransmits(PodCgroup pod, String type) {
    return of(RETRANSMITS, pod.labels("type", type));
  }

  /** One line of a proof for the docs. */
  @SuppressWarnings("AnnotateFormatMethod") // its annotation is of a library that tests do not use
  static void proof(String format, Object... args) {
    System.out.println("proof: " + String.format(Locale.ROOT, format, args));
  }
}
