package dev.sonde.agent.cli;

import dev.sonde.agent.access.AccessFiles;
import dev.sonde.agent.config.Config;
import dev.sonde.agent.config.ConfigSource;
import dev.sonde.agent.doctor.Fact;
import dev.sonde.agent.doctor.LibbpfState;
import dev.sonde.agent.doctor.StartException;
import dev.sonde.agent.probe.ProbeReport;
import java.io.IOException;
import java.io.PrintStream;
import java.util.List;
import java.util.Map;

/**
 * What the commands need from the rest of the agent. Made anew for one command, used by one thread.
 */
public interface Backend {
  /**
   * Every probe there is and its mechanisms, best first; {@code buffer} with {@code ring} and
   * {@code perf} among them. Options that name others are refused.
   */
  Map<String, List<String>> ladders();

  /**
   * Opens libbpf. {@link dev.sonde.agent.config.Options#LIBBPF} says which; the system property
   * {@code sonde.libbpf} is set accordingly before this is called.
   */
  LibbpfState libbpf(Config config);

  /** Facts with ids {@code cgroup.*}: mode, chosen hierarchy, how ids are resolved. */
  List<Fact> cgroups(Config config);

  /** Tries every probe that is switched on, and leaves nothing attached. */
  List<ProbeReport> probes(Config config) throws StartException;

  /** Every cgroup with its owner, by path. */
  List<PodRow> pods(Config config) throws IOException;

  /**
   * Runs the agent until it is told to end (SIGTERM, SIGINT). Root, BTF and libbpf were looked at
   * before.
   *
   * @param source where {@code config} came from, to read it again
   * @param access who is let in
   * @param out where {@code --watch} writes
   * @throws StartException it could not start; nothing is left attached
   */
  ExitCode run(Config config, ConfigSource source, AccessFiles access, PrintStream out)
      throws StartException;
}
