package dev.sonde.agent.probe;

import dev.sonde.agent.pipeline.SnapshotBuilder;
import dev.sonde.agent.workload.CgroupHierarchy;
import dev.sonde.agent.workload.PodTable;
import dev.sonde.exporter.model.Histogram;
import dev.sonde.exporter.model.Metric;
import dev.sonde.exporter.model.Workload;
import dev.sonde.ffi.BpfProgram;
import dev.sonde.ffi.KernelFeatures;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * Probes attached in this JVM and read as the agent reads them, without the agent: where a JVM
 * takes seconds to start, one does for all mechanisms.
 *
 * {@snippet :
 * try (ProbesInProcess probes = ProbesInProcess.attach("tcp_send", "kretprobe")) {
 *   Scrape now = new Scrape(probes.read());
 * }
 * }
 */
public final class ProbesInProcess implements AutoCloseable {
  private final PodTable pods;
  private final ProbeSet probes;
  private final KernelSource source;

  private ProbesInProcess(PodTable pods, ProbeSet probes) {
    this.pods = pods;
    this.probes = probes;
    this.source = new KernelSource(probes, pods, false);
  }

  /** One probe by one mechanism alone; whether that holds, {@link #reports} says. */
  public static ProbesInProcess attach(String probe, String mechanism) {
    return attach(Map.of(probe, mechanism), Set.of(probe));
  }

  /**
   * @param forced probe to mechanism
   * @param names which probes
   */
  public static ProbesInProcess attach(Map<String, String> forced, Set<String> names) {
    try {
      CgroupHierarchy hierarchy = CgroupHierarchy.detect(null);
      KernelSettings settings =
          new KernelSettings(
              64,
              KernelFeatures.possibleCpus(),
              hierarchy.idsFromV1(),
              hierarchy.number(Files.readString(Path.of("/proc/self/cgroup"))),
              1 << 20,
              false,
              null);
      return new ProbesInProcess(
          PodTable.open(hierarchy, Duration.ofMinutes(5)),
          ProbeSet.attach(settings, forced, names::contains));
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  /** Every probe's name to its mechanisms, best first. */
  public static Map<String, List<String>> ladders() {
    Map<String, List<String>> all = new TreeMap<>(ProbeSet.mechanisms());
    all.remove("buffer");
    return all;
  }

  public List<ProbeReport> reports() {
    return probes.reports();
  }

  public ProbeReport report(String probe) {
    return reports().stream().filter(r -> r.probe().equals(probe)).findFirst().orElseThrow();
  }

  /** Each loaded program's name to what the verifier went through; 0 before 5.16. */
  public Map<String, Integer> verifiedInstructions() {
    Map<String, Integer> all = new TreeMap<>();
    for (AttachedProbe probe : probes.probes()) {
      for (BpfProgram program : probe.programs()) {
        all.put(program.name(), program.info().verifiedInstructions());
      }
    }
    return all;
  }

  /**
   * Detaches one of a probe's programs and leaves the others: as if the kernel never ran it.
   *
   * @param probe the one that has it
   */
  public void detach(String probe, String program) {
    for (AttachedProbe p : probes.probes()) {
      AttachedProbe.Loaded loaded = p.loaded();
      if (p.report().probe().equals(probe) && loaded != null) {
        // links are those of the needed programs, in their order, and then of others
        int at = loaded.rung().programs().indexOf(program);
        loaded.links().get(at).close();
        return;
      }
    }
    throw new IllegalArgumentException("no probe " + probe);
  }

  /** All series, as a scrape would show them: histograms as their sum and count. */
  public String read() {
    Text text = new Text();
    source.collect(text);
    return text.out.toString();
  }

  @Override
  public void close() {
    source.close();
    probes.close();
    pods.close();
  }

  /** Writes what it gets, at once: nothing is added up. */
  private static final class Text implements SnapshotBuilder {
    final StringBuilder out = new StringBuilder();

    @Override
    public void add(Metric metric, Workload owner, double value, String... more) {
      line(metric.name(), labels(owner, more), value);
    }

    @Override
    public void add(Metric metric, Workload owner, Histogram value, String... more) {
      line(metric.name() + "_sum", labels(owner, more), value.sum());
      line(metric.name() + "_count", labels(owner, more), value.count());
    }

    @Override
    public void addOwn(Metric metric, double value, String... labels) {
      line(metric.name(), labels, value);
    }

    private static String[] labels(Workload w, String... more) {
      String[] all = new String[8 + more.length];
      String[] owner = {
        "namespace", w.namespace(), "pod", w.pod(), "container", w.container(), "unit", w.unit()
      };
      System.arraycopy(owner, 0, all, 0, 8);
      System.arraycopy(more, 0, all, 8, more.length);
      return all;
    }

    private void line(String name, String[] labels, double value) {
      out.append(name).append('{');
      for (int i = 0; i < labels.length; i += 2) {
        out.append(i == 0 ? "" : ",").append(labels[i]);
        out.append("=\"").append(labels[i + 1]).append('"');
      }
      out.append("} ").append(value).append('\n');
    }
  }
}
