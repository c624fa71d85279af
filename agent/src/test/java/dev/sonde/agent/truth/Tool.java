package dev.sonde.agent.truth;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** A measuring tool that runs beside Sonde until it is interrupted, and then prints. */
final class Tool implements AutoCloseable {
  private final Process process;
  private final Path output;

  private Tool(Process process, Path output) {
    this.process = process;
    this.output = output;
  }

  static Tool start(Path output, String... command) {
    try {
      // SIGINT is ignored in what a shell or a JVM starts in the background: taken back
      List<String> all = new ArrayList<>(List.of("env", "--default-signal=INT"));
      all.addAll(List.of(command));
      Process process =
          new ProcessBuilder(all).redirectErrorStream(true).redirectOutput(output.toFile()).start();
      process.getOutputStream().close();
      return new Tool(process, output);
    } catch (IOException e) {
      throw new AssertionError("start " + List.of(command) + "; install it with: make test", e);
    }
  }

  String output() {
    try {
      return Files.readString(output);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  /** How many attachments of BPF programs it holds. */
  long attachedPrograms() {
    if (!process.isAlive()) {
      throw new AssertionError("it ended:\n" + output());
    }
    try (Stream<Path> descriptors = Files.list(Path.of("/proc/" + process.pid() + "/fd"))) {
      return descriptors
          .map(Tool::target)
          .filter(t -> t.contains("bpf_link") || t.contains("bpf-raw-tracepoint"))
          .count();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private static String target(Path link) {
    try {
      return Files.readSymbolicLink(link).toString();
    } catch (IOException closed) {
      return "";
    }
  }

  /** SIGINT, waits for the end; what it printed. */
  String interrupt() {
    Command.run("kill", "-INT", Long.toString(process.pid()));
    try {
      if (!process.waitFor(20, TimeUnit.SECONDS)) {
        throw new AssertionError("it did not end on SIGINT:\n" + output());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError(e);
    }
    return output();
  }

  @Override
  public void close() {
    process.destroyForcibly();
  }
}
