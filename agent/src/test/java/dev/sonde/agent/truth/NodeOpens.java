package dev.sonde.agent.truth;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * TCP connections of the whole node: what Sonde counts for all workloads together, and what the
 * kernel counts in all network namespaces. What fell between two workloads, or is counted for both,
 * shows in the difference.
 *
 * {@snippet :
 * NodeOpens before = NodeOpens.read(agent);
 * // load
 * NodeOpens.read(agent).assertSince(before);
 * }
 *
 * @param least that the kernel had counted before Sonde was read
 * @param sonde opens of both roles, and connects that failed after a SYN was sent
 * @param most that the kernel had counted afterwards
 */
record NodeOpens(long least, long sonde, long most) {
  private static final String OPENS = "sonde_tcp_opens_total";
  private static final String FAILURES = "sonde_tcp_connect_failures_total";

  static NodeOpens read(AgentProcess agent) {
    return read(agent, increases());
  }

  /**
   * The same where pods end and their series with them.
   *
   * @param soFar of {@link #increases}, having seen every series that ended
   */
  static NodeOpens read(AgentProcess agent, Increases soFar) {
    long least = kernel();
    Scrape scrape = agent.fresh();
    soFar.see(scrape);
    long unsent = (long) scrape.sum(FAILURES, "reason", "local"); // which the kernel does not count
    return new NodeOpens(least, soFar.total() - unsent, kernel());
  }

  static Increases increases() {
    return new Increases(OPENS, FAILURES);
  }

  private static long kernel() {
    return Netns.elsewhere("TcpActiveOpens") + Netns.elsewhere("TcpPassiveOpens");
  }

  /** Nothing fell between the workloads and nothing is counted twice. */
  void assertSince(NodeOpens before) {
    System.out.printf(
        "proof: all workloads together opened %d connections, the kernel %d to %d%n",
        sonde - before.sonde, least - before.most, most - before.least);
    assertThat(sonde - before.sonde)
        .as("connections of all workloads")
        .isBetween(least - before.most, most - before.least);
  }
}
