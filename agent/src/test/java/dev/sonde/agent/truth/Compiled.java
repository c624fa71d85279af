package dev.sonde.agent.truth;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;

/** A C program of the tests, compiled where it is needed; for what a JVM cannot do to itself. */
final class Compiled {
  private Compiled() {}

  /** The executable made of {@code name}.c, in {@code directory}. */
  static Path program(Path directory, String name) {
    return compile(directory, name, "-pthread");
  }

  /** One that needs no library, and runs in an empty root. */
  static Path staticProgram(Path directory, String name) {
    return compile(directory, name, "-static");
  }

  private static Path compile(Path directory, String name, String how) {
    Path source = directory.resolve(name + ".c");
    Path program = directory.resolve(name);
    try (InputStream in = Compiled.class.getResourceAsStream(name + ".c")) {
      if (in == null) {
        throw new AssertionError("no " + name + ".c among the test's resources");
      }
      Files.copy(in, source);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
    Command.run("gcc", "-O1", how, "-Wall", "-o", program.toString(), source.toString());
    return program;
  }
}
