package dev.sonde.agent.cli;

import dev.sonde.agent.doctor.StartFailure;
import java.util.LinkedHashMap;
import java.util.Map;

/** What the process returns, as every {@code --help} says. */
public enum ExitCode {
  OK(0, "all is well; for doctor: every probe can attach"),
  FAILURE(1, "something failed at run time; for doctor: some probes cannot attach"),
  USAGE(2, "wrong usage: an unknown flag, a bad value, a bad configuration file"),
  ENVIRONMENT(3, "Sonde cannot run here: no privileges, no BTF, no libbpf"),
  PORT_TAKEN(4, "an address to listen on is taken");

  private final int code;
  private final String meaning;

  ExitCode(int code, String meaning) {
    this.code = code;
    this.meaning = meaning;
  }

  /** What {@code exit(3)} gets. */
  public int code() {
    return code;
  }

  /** The code a failed start ends with. */
  static ExitCode of(StartFailure failure) {
    return switch (failure) {
      case StartFailure.NotPrivileged _, StartFailure.NoBtf _, StartFailure.NoLibbpf _ ->
          ENVIRONMENT;
      case StartFailure.PortTaken _ -> PORT_TAKEN;
      case StartFailure.Broken _ -> FAILURE;
    };
  }

  /** Code to meaning, for the help. */
  static Map<String, String> meanings() {
    Map<String, String> meanings = new LinkedHashMap<>();
    for (ExitCode exit : values()) {
      meanings.put(String.valueOf(exit.code), exit.meaning);
    }
    return meanings;
  }
}
