package dev.sonde.agent.cli;

import dev.sonde.agent.Agent;
import dev.sonde.exporter.model.Snapshot;
import dev.sonde.ffi.BpfObject;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.jar.JarFile;
import java.util.zip.ZipEntry;

/**
 * Loads every class of Sonde's own jars, for the AOT cache: where the cache of the image is trained
 * no probe can attach, and what reads probes would not be in it.
 */
final class OwnClasses {
  private static final String PREFIX = "dev/sonde/";
  private static final String SUFFIX = ".class";

  /** One of each jar. */
  private static final List<Class<?>> JARS = List.of(Agent.class, Snapshot.class, BpfObject.class);

  private OwnClasses() {}

  /** Those that do not come from a jar are not for a cache. */
  static void load() throws IOException {
    for (Class<?> one : JARS) {
      Path jar = jarOf(one);
      if (Files.isRegularFile(jar)) {
        load(jar, one.getClassLoader());
      }
    }
  }

  private static Path jarOf(Class<?> one) throws IOException {
    try {
      return Path.of(one.getProtectionDomain().getCodeSource().getLocation().toURI());
    } catch (URISyntaxException e) {
      throw new IOException(e);
    }
  }

  private static void load(Path path, ClassLoader loader) throws IOException {
    try (JarFile jar = new JarFile(path.toFile())) {
      for (String name : jar.stream().map(ZipEntry::getName).toList()) {
        if (name.startsWith(PREFIX) && name.endsWith(SUFFIX) && !name.endsWith("-info.class")) {
          String type = name.substring(0, name.length() - SUFFIX.length()).replace('/', '.');
          Class.forName(type, false, loader);
        }
      }
    } catch (ClassNotFoundException e) {
      throw new IOException(e);
    }
  }
}
