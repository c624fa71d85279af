package dev.sonde.agent.self;

import dev.sonde.agent.pipeline.SnapshotBuilder;
import dev.sonde.agent.pipeline.Source;
import dev.sonde.exporter.model.Metric;
import dev.sonde.ffi.KernelFeatures;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/**
 * The agent's process, by the names that Prometheus' client libraries use.
 *
 * <p>Source of the definition: proc(5).
 */
public final class ProcessSource implements Source {
  static final Metric CPU =
      Metric.counter("process_cpu_seconds_total", "CPU time of the agent, user and system.");
  static final Metric RESIDENT =
      Metric.gauge("process_resident_memory_bytes", "Resident memory of the agent.");
  static final Metric FDS = Metric.gauge("process_open_fds", "Open file descriptors of the agent.");
  static final Metric START =
      Metric.gauge("process_start_time_seconds", "When the agent started, in seconds since 1970.");
  static final Metric BUILD =
      Metric.gauge("sonde_build_info", "1, with the version of the agent and its Java.");

  private static final Path SELF = Path.of("/proc/self");

  private final double started =
      ProcessHandle.current().info().startInstant().orElseThrow().toEpochMilli() / 1e3;
  private final String version;

  public ProcessSource(String version) {
    this.version = version;
  }

  @Override
  public void collect(SnapshotBuilder out) {
    out.addOwn(BUILD, 1, "version", version, "java", Runtime.version().toString());
    out.addOwn(START, started);
    out.addOwn(CPU, cpuSeconds());
    out.addOwn(RESIDENT, residentBytes());
    out.addOwn(FDS, openDescriptors());
  }

  private static double cpuSeconds() {
    String stat = read("stat");
    // the second field is the command in brackets and may hold anything: count from the last
    // bracket
    String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
    return (Long.parseLong(fields[11]) + Long.parseLong(fields[12])) / 100.0;
  }

  private static long residentBytes() {
    return Long.parseLong(read("statm").split(" ")[1]) * KernelFeatures.pageSize();
  }

  private static long openDescriptors() {
    try (Stream<Path> fds = Files.list(SELF.resolve("fd"))) {
      return fds.count() - 1; // the listing's own
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String read(String file) {
    try {
      return Files.readString(SELF.resolve(file)).strip();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
