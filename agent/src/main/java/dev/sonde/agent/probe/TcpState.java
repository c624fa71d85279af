package dev.sonde.agent.probe;

/** TCP states as {@code ss} writes them, by the kernel's number (include/net/tcp_states.h). */
final class TcpState {
  private static final String[] LABELS = {
    "unknown",
    "established",
    "syn-sent",
    "syn-recv",
    "fin-wait-1",
    "fin-wait-2",
    "time-wait",
    "closed",
    "close-wait",
    "last-ack",
    "listening",
    "closing",
    "new-syn-recv"
  };

  private TcpState() {}

  static String label(int number) {
    return number >= 0 && number < LABELS.length ? LABELS[number] : LABELS[0];
  }
}
