package dev.sonde.agent.probe;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The checked-out sources: the build says where they are, an IDE starts in a module's folder. */
final class Repository {
  private Repository() {}

  static Path path(String first, String... more) {
    String root = System.getProperty("sonde.root");
    Path at = Path.of(root == null || root.isEmpty() ? ".." : root).toAbsolutePath().normalize();
    if (!Files.isDirectory(at.resolve("bpf-programs"))) {
      throw new AssertionError(
          at + " is not the root of the sources; run by Maven, or pass -Dsonde.root=DIR");
    }
    return at.resolve(Path.of(first, more));
  }

  static String read(String path) {
    try {
      return Files.readString(path(path));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
