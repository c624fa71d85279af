package dev.sonde.agent.cli;

import dev.sonde.agent.Agent;
import dev.sonde.exporter.model.Snapshot;
import dev.sonde.ffi.BpfObject;
import java.io.IOException;
import java.io.InputStream;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.constantpool.InvokeDynamicEntry;
import java.lang.classfile.constantpool.PoolEntry;
import java.lang.constant.ClassDesc;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.jar.JarFile;
import java.util.zip.ZipEntry;

/**
 * The classes that read probes and every place in them that makes a lambda, as lines of a JVM's
 * class list: where the AOT cache of the image is made no probe can attach, and they would not be
 * in it. A lambda that is not costs a start half a millisecond; a class that is and is never used
 * costs memory, since the cache is read in large pieces.
 *
 * {@snippet :
 * Files.write(file, ProbeClasses.list()); // dev/sonde/agent/probe/TcpProbe, then
 * // @cp dev/sonde/agent/probe/TcpProbe 72 76
 * }
 *
 * <p>Source of the format: classListParser.hpp of JDK 25. The numbers behind {@code @cp} are
 * indexes into the class's constant pool; a line can only name what the lines above it have.
 */
final class ProbeClasses {
  private static final List<String> PACKAGES =
      List.of(
          "dev/sonde/agent/pipeline/",
          "dev/sonde/agent/probe/",
          "dev/sonde/agent/usage/",
          "dev/sonde/exporter/model/",
          "dev/sonde/ffi/");

  private static final String SUFFIX = ".class";

  /** One of each jar that has some. */
  private static final List<Class<?>> JARS = List.of(Agent.class, Snapshot.class, BpfObject.class);

  private final Set<String> types = new LinkedHashSet<>();
  private final List<String> places = new ArrayList<>();

  private ProbeClasses() {}

  /** Those that do not come from a jar are not for a cache. */
  static List<String> list() throws IOException {
    List<Path> jars = new ArrayList<>();
    for (Class<?> one : JARS) {
      Path jar = jarOf(one);
      if (Files.isRegularFile(jar)) {
        jars.add(jar);
      }
    }
    return list(jars);
  }

  static List<String> list(List<Path> jars) throws IOException {
    ProbeClasses all = new ProbeClasses();
    for (Path jar : jars) {
      all.addFrom(jar);
    }
    List<String> lines = new ArrayList<>(all.types);
    lines.addAll(all.places);
    return lines;
  }

  private static Path jarOf(Class<?> one) throws IOException {
    try {
      return Path.of(one.getProtectionDomain().getCodeSource().getLocation().toURI());
    } catch (URISyntaxException e) {
      throw new IOException(e);
    }
  }

  private void addFrom(Path path) throws IOException {
    try (JarFile jar = new JarFile(path.toFile())) {
      for (ZipEntry entry : jar.stream().toList()) {
        String name = entry.getName();
        if (name.endsWith(SUFFIX) && PACKAGES.stream().anyMatch(name::startsWith)) {
          try (InputStream bytes = jar.getInputStream(entry)) {
            add(ClassFile.of().parse(bytes.readAllBytes()));
          }
        }
      }
    }
  }

  private void add(ClassModel type) {
    String name = type.thisClass().asInternalName();
    StringBuilder indexes = new StringBuilder();
    for (PoolEntry entry : type.constantPool()) {
      if (entry instanceof InvokeDynamicEntry made) {
        indexes.append(' ').append(entry.index());
        addType(made.typeSymbol().returnType());
      }
    }
    types.add(name);
    if (!indexes.isEmpty()) {
      places.add("@cp " + name + indexes);
    }
  }

  /** What the place makes: for a lambda its interface, for a string's concatenation a String. */
  private void addType(ClassDesc made) {
    if (made.isClassOrInterface()) {
      String descriptor = made.descriptorString();
      types.add(descriptor.substring(1, descriptor.length() - 1));
    }
  }
}
