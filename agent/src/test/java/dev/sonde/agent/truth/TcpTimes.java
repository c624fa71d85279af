package dev.sonde.agent.truth;

/** What a TCP histogram moved by between two scrapes. */
record TcpTimes(TcpMoved moved, PodCgroup pod) {
  static final String CONNECT = "sonde_tcp_connect_seconds";
  static final String RTT = "sonde_tcp_rtt_seconds";
  static final String SEND_ACK = "sonde_tcp_send_ack_seconds";
  static final String ACCEPT_WAIT = "sonde_tcp_accept_wait_seconds";
  static final String RECEIVE_WAIT = "sonde_tcp_receive_wait_seconds";

  long count(String metric) {
    return moved.of(metric + "_count", pod.labels());
  }

  double seconds(String metric) {
    String name = metric + "_sum";
    return moved.after().sum(name, pod.labels()) - moved.before().sum(name, pod.labels());
  }

  double mean(String metric) {
    return seconds(metric) / count(metric);
  }
}
