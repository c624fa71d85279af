package dev.sonde.agent.cli;

import dev.sonde.agent.Cgroups;
import dev.sonde.agent.IdentityFacts;
import dev.sonde.agent.Kernel;
import dev.sonde.agent.access.AccessFiles;
import dev.sonde.agent.config.Config;
import dev.sonde.agent.config.ConfigSource;
import dev.sonde.agent.config.Options;
import dev.sonde.agent.doctor.Fact;
import dev.sonde.agent.doctor.LibbpfState;
import dev.sonde.agent.doctor.StartException;
import dev.sonde.agent.doctor.Status;
import dev.sonde.agent.probe.ProbeReport;
import dev.sonde.agent.probe.ProbeSet;
import dev.sonde.agent.workload.CgroupHierarchy;
import dev.sonde.agent.workload.CgroupInfo;
import dev.sonde.agent.workload.PodTable;
import dev.sonde.ffi.Libbpf;
import dev.sonde.ffi.NativeLibraryException;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/** The commands' way to the kernel, the cgroups and the agent of this build. */
final class LiveBackend implements Backend {
  @Override
  public Map<String, List<String>> ladders() {
    return ProbeSet.mechanisms();
  }

  @Override
  public LibbpfState libbpf(Config config) {
    try {
      Libbpf.require();
      return new LibbpfState.Usable(Libbpf.version(), Libbpf.path());
    } catch (NativeLibraryException e) {
      // The binding's own remedy names its system property; here there is an option for it.
      return new LibbpfState.Unusable(
          e.reason(),
          "install libbpf 1.0 or later (Debian: apt install libbpf1),"
              + " or name its file with --libbpf FILE");
    }
  }

  @Override
  public List<Fact> cgroups(Config config) {
    try {
      CgroupHierarchy h = Cgroups.hierarchy(config);
      List<Fact> facts = new ArrayList<>();
      facts.add(
          Fact.of("cgroup.mode", "cgroups", Status.OK, h.kind().name().toLowerCase(Locale.ROOT)));
      facts.add(
          Fact.of("cgroup.hierarchy", "hierarchy", Status.OK, h.mount().toString())
              .because(h.idsFromV1() ? "ids of the v1 cpu controller" : "ids of v2"));
      try (PodTable pods = Cgroups.pods(config, h)) {
        facts.add(Fact.of("cgroup.names", "ids by", Status.OK, pods.mechanism()));
      }
      facts.addAll(IdentityFacts.of(config));
      return facts;
    } catch (StartException e) {
      return List.of(
          Fact.of("cgroup.mode", "cgroups", Status.FAIL, "unusable")
              .because(e.failure().what())
              .remedy(e.failure().remedy()));
    }
  }

  @Override
  public List<ProbeReport> probes(Config config) throws StartException {
    try (ProbeSet probes = Kernel.attach(config, Cgroups.hierarchy(config))) {
      return probes.reports();
    }
  }

  @Override
  public List<PodRow> pods(Config config) throws IOException {
    CgroupHierarchy hierarchy;
    try {
      hierarchy = Cgroups.hierarchy(config);
    } catch (StartException e) {
      throw new IOException(e.failure().what(), e);
    }
    try (PodTable pods = PodTable.open(hierarchy, config.get(Options.STALE_AFTER))) {
      IdentityFacts.name(config, pods);
      List<PodRow> rows = new ArrayList<>();
      for (CgroupInfo c : pods.all()) {
        rows.add(
            new PodRow(
                c.id(),
                c.path(),
                c.workload(),
                processes(hierarchy.mount().resolve(c.path().substring(1)))));
      }
      return rows;
    }
  }

  /** Zero for a cgroup that went while it was looked at. */
  private static int processes(Path directory) {
    try (Stream<String> pids = Files.lines(directory.resolve("cgroup.procs"))) {
      return (int) pids.count();
    } catch (IOException | java.io.UncheckedIOException gone) {
      return 0;
    }
  }

  @Override
  public ExitCode run(Config config, ConfigSource source, AccessFiles access, PrintStream out)
      throws StartException {
    Optional<Path> training = config.get(Options.TRAIN);
    return training.isPresent()
        ? Training.run(config, source, access, out, training.get())
        : new Foreground(config, source, access, out).run();
  }
}
