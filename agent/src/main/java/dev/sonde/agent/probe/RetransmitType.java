package dev.sonde.agent.probe;

import java.util.Locale;

/** Why a segment was sent again, in the order of {@code enum retransmit_type} of tcp_stats.h. */
enum RetransmitType {
  TIMEOUT(0),
  FAST(1),
  TAIL_LOSS_PROBE(2),
  SYN(3),
  SYNACK(4);

  private static final RetransmitType[] ALL = values();

  private final int number;
  private final String label;

  RetransmitType(int number) {
    this.number = number;
    this.label = name().toLowerCase(Locale.ROOT);
  }

  /** The kernel's number. */
  int number() {
    return number;
  }

  /** The value of the {@code type} label. */
  String label() {
    return label;
  }

  /** The label of the kernel's number; a number that this agent does not know says so. */
  static String label(int number) {
    return number >= 0 && number < ALL.length ? ALL[number].label : "unknown";
  }
}
