package dev.sonde.agent.guest;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;

/**
 * One boot and what came of it.
 *
 * @param exit how {@code vmtest run} ended
 * @param results of the tests that ended
 * @param log where the guest's logs are
 */
record GuestRun(Boot boot, int exit, List<Result> results, Path log) {
  /** {@code vmtest}: the kernel cannot be downloaded and is not in the cache. */
  static final int UNAVAILABLE = 69;

  private static final int MEMORY_MIB = 2048;
  private static final int SECONDS = 2400;

  GuestRun {
    results = List.copyOf(results);
  }

  /**
   * Boots it and waits for its end.
   *
   * @param besideOthers it gets only what other tests leave of the processors
   */
  static GuestRun of(Boot boot, List<Class<?>> tests, boolean besideOthers) {
    Path root = Path.of(System.getProperty("sonde.root", "..")).toAbsolutePath().normalize();
    Path out = root.resolve("build/vmtest").resolve(boot.name());
    Path results = out.resolve("results.tsv");
    try {
      Files.createDirectories(out);
      clear(out);
      List<String> command = new ArrayList<>();
      if (besideOthers) {
        // SCHED_IDLE: takes no time from what they measure
        command.addAll(List.of("chrt", "--idle", "0"));
      }
      command.add(root.resolve("vmtest/run").toString());
      command.add(boot.kernel());
      command.addAll(boot.variant().options());
      command.addAll(List.of("--mem", Integer.toString(MEMORY_MIB)));
      command.addAll(List.of("--timeout", Integer.toString(SECONDS), "--out", out.toString()));
      command.add("--");
      command.addAll(java(boot, root));
      command.add(GuestMain.class.getName());
      command.add("/run/vmtest/results.tsv");
      tests.forEach(test -> command.add(test.getName()));
      ProcessBuilder vmtest = new ProcessBuilder(command);
      vmtest.environment().put("JAVA_HOME", System.getProperty("java.home"));
      Process process =
          vmtest
              .directory(root.resolve("agent").toFile())
              .redirectErrorStream(true)
              .redirectOutput(out.resolve("vmtest.log").toFile())
              .start();
      process.getOutputStream().close();
      int exit;
      try {
        exit = process.waitFor();
      } catch (InterruptedException e) {
        process.destroy();
        Thread.currentThread().interrupt();
        exit = -1;
      }
      return new GuestRun(boot, exit, read(results), out);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Start-up counts for more than speed: the guest's CPU is emulated. */
  private static List<String> java(Boot boot, Path root) {
    return List.of(
        "bash",
        "-c",
        // vmtest's: a guest with another processor has another JVM
        "exec \"$JAVA_HOME/bin/java\" \"$@\"",
        "java",
        "-XX:TieredStopAtLevel=1",
        "-XX:+UseSerialGC",
        "-Xshare:auto",
        "-Xmx512m",
        "--enable-native-access=ALL-UNNAMED",
        "--sun-misc-unsafe-memory-access=allow",
        "-Dsonde.root=" + root,
        "-Dsonde.guest=" + boot.name(),
        "-Dsonde.patience=" + Patience.IN_A_GUEST,
        "-Dsonde.attach.only=" + Boolean.getBoolean("sonde.attach.only"),
        "-cp",
        System.getProperty("java.class.path"));
  }

  private static void clear(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.toList()) {
        Files.delete(file);
      }
    }
  }

  private static List<Result> read(Path file) throws IOException {
    if (!Files.exists(file)) {
      return List.of();
    }
    try (Stream<String> lines = Files.lines(file)) {
      return lines.map(Result::of).filter(Objects::nonNull).toList();
    }
  }

  /** The end of a log of the guest. */
  String tail(String name, int lines) {
    Path file = log.resolve(name);
    try {
      List<String> all = Files.exists(file) ? Files.readAllLines(file) : List.of("(none)");
      return file
          + ":\n"
          + String.join("\n", all.subList(Math.max(0, all.size() - lines), all.size()));
    } catch (IOException e) {
      return file + ": " + e;
    }
  }
}
