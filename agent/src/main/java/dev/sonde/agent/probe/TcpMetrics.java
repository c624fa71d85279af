package dev.sonde.agent.probe;

import dev.sonde.exporter.model.Metric;

/** The TCP metrics that the probes and the network namespaces' own counters both give values of. */
public final class TcpMetrics {
  /** TIME_WAIT is from the namespaces, the other states are from the sockets. */
  public static final Metric CONNECTIONS =
      Metric.gauge("sonde_tcp_connections", "TCP sockets by state.");

  /** From the namespaces where the sockets' windows cannot be seen. */
  public static final Metric ZERO_WINDOWS =
      Metric.counter(
          "sonde_tcp_zero_windows_total",
          "How often the window of a connection closed: this side's (sent), or the other side's.");

  /** From the namespaces where listeners cannot be read. */
  public static final Metric LISTEN_DROPS =
      Metric.counter(
          "sonde_tcp_listen_drops_total",
          "Connection requests that listening sockets dropped, for whatever reason.");

  private TcpMetrics() {}
}
