package dev.sonde.agent.probe;

import java.util.Locale;

/** Why a segment was sent again, in the order of {@code enum retransmit_type} of tcp.bpf.c. */
enum RetransmitType {
  TIMEOUT,
  FAST,
  TAIL_LOSS_PROBE,
  SYN,
  SYNACK;

  private static final RetransmitType[] ALL = values();

  private final String label = name().toLowerCase(Locale.ROOT);

  /** The value of the {@code type} label. */
  String label() {
    return label;
  }

  /** The label of the kernel's number; a number that this agent does not know says so. */
  static String label(int number) {
    return number >= 0 && number < ALL.length ? ALL[number].label : "unknown";
  }
}
