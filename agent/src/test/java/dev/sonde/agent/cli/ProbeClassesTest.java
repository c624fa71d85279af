package dev.sonde.agent.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sonde.agent.probe.ProbeReport;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.classfile.ClassFile;
import java.lang.classfile.constantpool.ConstantPool;
import java.lang.classfile.constantpool.InvokeDynamicEntry;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.jar.JarOutputStream;
import java.util.zip.ZipEntry;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ProbeClassesTest {
  @TempDir Path dir;

  @Test
  void listsTheClassesAndThePlacesThatMakeLambdasBehindThem() throws IOException {
    String probe = name(ProbeReport.class);
    byte[] bytes = bytes(ProbeReport.class);
    List<String> lines =
        ProbeClasses.list(List.of(jar(probe, bytes, name(Sonde.class), bytes(Sonde.class))));
    // another package's is loaded by the training itself, if it is needed
    assertThat(lines).contains(probe).doesNotContain(name(Sonde.class));
    String places = lines.getLast();
    assertThat(places).startsWith("@cp " + probe + " ");
    ConstantPool pool = ClassFile.of().parse(bytes).constantPool();
    long[] indexes = Arrays.stream(places.split(" ")).skip(2).mapToLong(Long::parseLong).toArray();
    assertThat(indexes).isNotEmpty();
    for (long index : indexes) {
      assertThat(pool.entryByIndex((int) index)).isInstanceOf(InvokeDynamicEntry.class);
      InvokeDynamicEntry made = (InvokeDynamicEntry) pool.entryByIndex((int) index);
      String type = made.typeSymbol().returnType().descriptorString();
      if (type.startsWith("L")) {
        assertThat(lines).contains(type.substring(1, type.length() - 1));
      }
    }
  }

  private Path jar(String first, byte[] one, String second, byte[] other) throws IOException {
    Path file = dir.resolve("some.jar");
    try (OutputStream out = Files.newOutputStream(file);
        JarOutputStream jar = new JarOutputStream(out)) {
      jar.putNextEntry(new ZipEntry(first + ".class"));
      jar.write(one);
      jar.putNextEntry(new ZipEntry(second + ".class"));
      jar.write(other);
    }
    return file;
  }

  private static String name(Class<?> type) {
    return type.getName().replace('.', '/');
  }

  private static byte[] bytes(Class<?> type) throws IOException {
    try (InputStream in = type.getResourceAsStream(type.getSimpleName() + ".class")) {
      return in.readAllBytes();
    }
  }
}
