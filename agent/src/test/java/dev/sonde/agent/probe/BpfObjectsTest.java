package dev.sonde.agent.probe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The committed BPF objects are those of the committed sources, and hold nothing else. */
class BpfObjectsTest {
  private static final Path COMMITTED = Repository.path("bpf-programs", "prebuilt");

  /** A path that names a place on the machine of whoever built it. */
  private static final Pattern ABSOLUTE_PATH =
      Pattern.compile("(?<![\\w.])/(work|home|root|tmp|build|usr|opt|var|mnt|src)/[\\w./-]*");

  static Stream<Path> objects() throws IOException {
    List<Path> found;
    try (Stream<Path> files = Files.walk(COMMITTED)) {
      found = files.filter(p -> p.toString().endsWith(".bpf.o")).sorted().toList();
    }
    return found.stream();
  }

  @Test
  void everySourceHasAnObjectForBothArchitectures() throws IOException {
    List<String> sources;
    try (Stream<Path> files = Files.list(Repository.path("bpf-programs", "src"))) {
      sources =
          files
              .map(p -> p.getFileName().toString())
              .filter(n -> n.endsWith(".bpf.c"))
              .map(n -> n.replaceFirst("c$", "o"))
              .toList();
    }
    assertThat(sources).isNotEmpty();
    assertThat(objects().map(p -> COMMITTED.relativize(p).toString()))
        .containsExactlyInAnyOrderElementsOf(
            sources.stream().flatMap(o -> Stream.of("x86_64/" + o, "aarch64/" + o)).toList());
  }

  @ParameterizedTest
  @MethodSource("objects")
  void holdsNoDebugInformationAndNoBuildPaths(Path object) throws IOException {
    byte[] bytes = Files.readAllBytes(object);
    Map<String, byte[]> sections = sections(bytes);
    assertThat(sections.keySet()).noneMatch(n -> n.startsWith(".debug"));
    assertThat(sections).containsKeys(".BTF", ".BTF.ext");
    String text = new String(bytes, StandardCharsets.ISO_8859_1);
    assertThat(ABSOLUTE_PATH.matcher(text).results().map(r -> r.group()).distinct())
        .as("absolute paths in %s; build it with: make bpf", object)
        .isEmpty();
  }

  @ParameterizedTest
  @MethodSource("objects")
  void isUnderTheLicenceThatTheKernelsHelpersAskFor(Path object) throws IOException {
    byte[] licence = sections(Files.readAllBytes(object)).get("license");
    assertThat(licence).as("section license of %s", object).isNotNull();
    assertThat(new String(licence, StandardCharsets.US_ASCII)).isEqualTo("Dual BSD/GPL\0");
  }

  @Test
  void everySourceStartsWithItsLicence() throws IOException {
    List<Path> sources;
    try (Stream<Path> files = Files.walk(Repository.path("bpf-programs"))) {
      sources = files.filter(p -> p.toString().matches(".*\\.[ch]")).sorted().toList();
    }
    assertThat(sources).hasSizeGreaterThan(5);
    for (Path source : sources) {
      assertThat(Files.readAllLines(source).getFirst())
          .as("first line of %s", source)
          .isEqualTo("/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */");
    }
  }

  /** The command is tools/bpf itself, so that there is one place that says how they are built. */
  @Test
  void rebuildGivesTheSameBytes(@TempDir Path out) throws IOException, InterruptedException {
    requireCompiler();
    Path log = out.resolve("log");
    Process build =
        new ProcessBuilder(Repository.path("tools", "bpf").toString(), out.toString())
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start();
    build.getOutputStream().close();
    assertThat(build.waitFor()).as("tools/bpf:\n%s", Files.readString(log)).isZero();
    for (Path object : objects().toList()) {
      Path rebuilt = out.resolve(COMMITTED.relativize(object).toString());
      assertThat(Files.mismatch(object, rebuilt))
          .as("%s is not what its source gives; run: make bpf, and commit the result", object)
          .isEqualTo(-1);
    }
  }

  /** clang's version decides the bytes: another one would say nothing about the committed ones. */
  private static void requireCompiler() {
    for (String needed :
        List.of("/usr/bin/clang-19", "/usr/bin/llvm-strip-19", "/usr/include/bpf/bpf_helpers.h")) {
      if (Files.exists(Path.of(needed))) {
        continue;
      }
      String reason =
          needed + " is missing; install clang-19, llvm-19 and libbpf-dev, or run: make test";
      if (System.getenv("CI") != null
          || "installed".equals(System.getProperty("sonde.test.tools"))) {
        throw new AssertionError(reason);
      }
      abort("not rebuilt: " + reason);
    }
  }

  /** elf(5), 64-bit and little-endian. */
  private static Map<String, byte[]> sections(byte[] file) {
    ByteBuffer in = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
    int table = (int) in.getLong(40);
    int size = in.getShort(58);
    int count = in.getShort(60);
    byte[] names = content(in, table + in.getShort(62) * size);
    Map<String, byte[]> sections = new LinkedHashMap<>();
    for (int i = 1; i < count; i++) {
      int at = table + i * size;
      int start = in.getInt(at);
      int end = start;
      while (names[end] != 0) {
        end++;
      }
      String name = new String(names, start, end - start, StandardCharsets.US_ASCII);
      sections.put(name, content(in, at));
    }
    return sections;
  }

  private static byte[] content(ByteBuffer in, int header) {
    int nobits = 8;
    byte[] content = new byte[in.getInt(header + 4) == nobits ? 0 : (int) in.getLong(header + 32)];
    in.get((int) in.getLong(header + 24), content);
    return content;
  }
}
