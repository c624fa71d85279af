package dev.sonde.agent.doctor;

/** Whether libbpf can be used; whoever binds it says. */
public sealed interface LibbpfState {
  /**
   * It is open.
   *
   * @param version as libbpf says: {@code v1.1}
   * @param path the file or soname it was opened by
   */
  record Usable(String version, String path) implements LibbpfState {}

  /** It is missing, or of another version. */
  record Unusable(String reason, String remedy) implements LibbpfState {}
}
