package dev.sonde.agent.runtime.jvm;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What a JVM's own {@code -Xlog:gc*,safepoint} says, by the rules of {@link Collector}. */
final class GcLog {
  private static final Pattern PAUSE =
      Pattern.compile("GC\\(\\d+\\) (?:[yYO]: )?Pause (\\w+).* ([0-9.]+)ms$");
  private static final Pattern MINOR = Pattern.compile("GC\\((\\d+)\\) Minor Collection \\(");
  private static final Pattern SAFEPOINT =
      Pattern.compile("Safepoint \"\\w+\".* Total:\\s*(\\d+) ns");

  final Map<Collector, Integer> collections = new EnumMap<>(Collector.class);
  final Map<Collector, Double> millis = new EnumMap<>(Collector.class);
  int safepoints;
  long safepointNanos;

  private final String gc;
  private final boolean generationalZ;
  private final Set<String> minorsBegun = new HashSet<>();
  private boolean inMinor;

  private GcLog(String gc, boolean generationalZ) {
    this.gc = gc;
    this.generationalZ = generationalZ;
  }

  static GcLog read(Path file, String gc, int version) throws IOException {
    GcLog log = new GcLog(gc, version >= 21);
    for (String line : Files.readAllLines(file)) {
      log.line(line);
    }
    return log;
  }

  private void line(String line) {
    Matcher safepoint = SAFEPOINT.matcher(line);
    if (safepoint.find()) {
      safepoints++;
      safepointNanos += Long.parseLong(safepoint.group(1));
      return;
    }
    Matcher minor = MINOR.matcher(line);
    if (minor.find()) {
      // The same words again when it ends.
      inMinor = minorsBegun.add(minor.group(1));
      return;
    }
    Matcher pause = PAUSE.matcher(line);
    if (pause.find()) {
      Collector c = collector(pause.group(1));
      collections.merge(c, 1, Integer::sum);
      millis.merge(c, Double.parseDouble(pause.group(2)), Double::sum);
    }
  }

  private Collector collector(String pause) {
    boolean young = pause.equals("Young");
    boolean full = pause.equals("Full");
    return switch (gc) {
      case "G1" -> young ? Collector.G1_YOUNG : full ? Collector.G1_FULL : Collector.G1_CONCURRENT;
      case "Parallel" -> young ? Collector.PARALLEL_YOUNG : Collector.PARALLEL_FULL;
      case "Serial" -> young ? Collector.SERIAL_YOUNG : Collector.SERIAL_FULL;
      case "Z" -> !generationalZ ? Collector.Z : inMinor ? Collector.Z_MINOR : Collector.Z_MAJOR;
      default -> Collector.OTHER;
    };
  }
}
