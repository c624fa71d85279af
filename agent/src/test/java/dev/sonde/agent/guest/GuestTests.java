package dev.sonde.agent.guest;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** Finds the classes that {@link Guest} marks, among the compiled tests. */
final class GuestTests {
  private GuestTests() {}

  /** All of them, by name. */
  static List<Class<?>> all() {
    try {
      Path root =
          Path.of(GuestTests.class.getProtectionDomain().getCodeSource().getLocation().toURI());
      try (Stream<Path> files = Files.walk(root)) {
        return files
            .map(file -> root.relativize(file).toString())
            .filter(file -> file.endsWith("Guest.class") && !file.contains("$"))
            .sorted()
            .<Class<?>>map(GuestTests::load)
            .filter(type -> type.isAnnotationPresent(Guest.class))
            .toList();
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (URISyntaxException e) {
      throw new AssertionError(e);
    }
  }

  private static Class<?> load(String file) {
    String name = file.substring(0, file.length() - ".class".length()).replace('/', '.');
    try {
      return Class.forName(name, false, GuestTests.class.getClassLoader());
    } catch (ClassNotFoundException e) {
      throw new AssertionError(e);
    }
  }

  /** Those that a boot runs. */
  static List<Class<?>> of(Boot boot, boolean matrix, String only) {
    return all().stream()
        .filter(type -> only.isEmpty() || List.of(only.split(",")).contains(type.getSimpleName()))
        .filter(type -> boot.runs(type.getAnnotation(Guest.class), matrix))
        .toList();
  }
}
