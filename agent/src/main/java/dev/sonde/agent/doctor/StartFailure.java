package dev.sonde.agent.doctor;

import dev.sonde.agent.config.Endpoint;
import java.util.List;

/**
 * Why the agent cannot run: what failed, and what to do about it, for two or three lines on stderr.
 */
public sealed interface StartFailure {
  /** What failed and where, in one line. */
  String what();

  /** What to do about it, in one line; empty where nothing can be done. */
  String remedy();

  /**
   * The process may not load BPF programs.
   *
   * @param missing the capabilities it lacks
   * @param uid the effective user
   */
  record NotPrivileged(List<String> missing, int uid) implements StartFailure {
    public NotPrivileged {
      missing = List.copyOf(missing);
    }

    @Override
    public String what() {
      return "needs root, or CAP_BPF and CAP_PERFMON; this process (uid "
          + uid
          + ") lacks "
          + String.join(" and ", missing);
    }

    @Override
    public String remedy() {
      return uid == 0
          ? "root without capabilities: grant them to the container or unit that runs this"
          : "run: sudo ./sonde agent";
    }
  }

  /**
   * The kernel's types are not to be had.
   *
   * @param file what was looked at
   * @param reason what is wrong with it
   */
  record NoBtf(String file, String reason) implements StartFailure {
    @Override
    public String what() {
      return "kernel BTF " + file + ": " + reason;
    }

    @Override
    public String remedy() {
      return "run a kernel with CONFIG_DEBUG_INFO_BTF=y, or name its BTF file with --btf FILE";
    }
  }

  /**
   * libbpf is missing or too old.
   *
   * @param reason what was tried and what came of it
   * @param remedy what to install or set
   */
  record NoLibbpf(String reason, String remedy) implements StartFailure {
    @Override
    public String what() {
      return reason;
    }
  }

  /**
   * Somebody else listens there.
   *
   * @param flag the option that says where, {@code --listen}
   */
  record PortTaken(String flag, Endpoint endpoint) implements StartFailure {
    @Override
    public String what() {
      return flag + " " + endpoint + ": the port is taken; is another sonde agent running?";
    }

    @Override
    public String remedy() {
      return "end the other one (ss -ltnp 'sport = :"
          + endpoint.port()
          + "' names it), or choose another port with "
          + flag
          + " HOST:PORT";
    }
  }

  /** Anything else: an object that does not load, an address that is not ours, a full disk. */
  record Broken(String what, String remedy) implements StartFailure {}
}
