package dev.sonde.agent.probe;

import java.util.List;

/**
 * One way to attach a probe: the programs that it takes, all or none.
 *
 * @param mechanism its name in {@code sonde_probe_up{mechanism}} and {@code --mechanism}
 * @param programs programs of the probe's object that are loaded and attached together, attached in
 *     this order
 * @param records where this rung keeps what it remembers of a task or socket
 * @param optional programs for functions that only some kernels have; tried, not needed
 * @param onlyOnRequest why it is tried only if {@code --mechanism} asks for it; empty if it is not
 *     so
 */
record Rung(
    String mechanism,
    List<String> programs,
    Records records,
    List<String> optional,
    String onlyOnRequest) {
  /** Where the programs keep what they remember of a task or a socket. */
  enum Records {
    /**
     * Task or socket storage: needs typed pointers, and a kernel whose tracing programs may use it.
     */
    STORAGE,
    /** A hash by pid or socket address. */
    HASH,
    /** Works with either. */
    ANY
  }

  Rung {
    programs = List.copyOf(programs);
    optional = List.copyOf(optional);
  }

  static Rung of(String mechanism, Records records, String... programs) {
    return new Rung(mechanism, List.of(programs), records, List.of(), "");
  }

  Rung withOptional(String... more) {
    return new Rung(mechanism, programs, records, List.of(more), onlyOnRequest);
  }

  /**
   * @param price why it is not tried by itself
   */
  Rung onRequest(String price) {
    return new Rung(mechanism, programs, records, optional, price);
  }
}
