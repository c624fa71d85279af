package dev.sonde.agent.probe;

import java.util.Locale;

/**
 * A way of using TCP that will hurt: {@code sonde_tcp_findings{finding}}.
 *
 * <p>How the thresholds were chosen stands in {@code docs/metrics.md}.
 */
public enum TcpFinding {
  /**
   * So many of its connections ended within a minute with this side as the first to end them: that
   * is how long each of them stays in TIME_WAIT and keeps its port.
   */
  TIME_WAIT_LEAK(10_000),

  /** So many sockets lie in CLOSE_WAIT all the time: the application does not close them. */
  CLOSE_WAIT_LEAK(100),

  /** So many connects within a minute, and what was connected ended again. */
  RECONNECT_CHURN(6_000),

  /** So many connections within a minute found no room in its listeners' queues. */
  ACCEPT_QUEUE_FULL(10);

  private final long threshold;

  TcpFinding(long threshold) {
    this.threshold = threshold;
  }

  /** From how many on it is one, unless {@code --tcp-findings} says otherwise. */
  long defaultThreshold() {
    return threshold;
  }

  /** {@code time_wait_leak}. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}
