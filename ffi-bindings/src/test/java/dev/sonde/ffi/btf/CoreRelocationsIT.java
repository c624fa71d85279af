package dev.sonde.ffi.btf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Every relocation of a field, of every object, against the types of every kernel of {@code
 * vmtest/}, without booting one: a field that is gone, or has become narrower beside others, is
 * seen here. What is known to differ, and does no harm, stands in {@code vmtest/relocations.tsv}.
 */
class CoreRelocationsIT {
  private static final Path ROOT =
      Path.of(System.getProperty("sonde.root", "..")).toAbsolutePath().normalize();

  @ParameterizedTest
  @ValueSource(strings = {"5.10", "6.1", "6.12", "6.18", "7.2", "6.12-arm64"})
  void everyFieldIsWhereAndWhatItShouldBe(String kernel) throws IOException, InterruptedException {
    Btf types = Btf.parse(Files.readAllBytes(folder(kernel).resolve("btf")));
    String architecture = kernel.endsWith("arm64") ? "aarch64" : "x86_64";
    Set<String> found = new TreeSet<>();
    int count = 0;
    try (Stream<Path> objects =
        Files.list(ROOT.resolve("bpf-programs/prebuilt").resolve(architecture))) {
      for (Path object : objects.toList()) {
        CoreRelocations relocations = new CoreRelocations(Files.readAllBytes(object));
        count += relocations.count();
        found.addAll(relocations.against(types));
      }
    }
    System.out.println(kernel + ": " + count + " relocations of fields; differ: " + found);
    assertThat(count).isGreaterThan(100);
    Set<String> known = new TreeSet<>();
    for (String line : Files.readAllLines(ROOT.resolve("vmtest/relocations.tsv"))) {
      String[] f = line.split("\t", -1);
      if (f[0].equals(kernel)) {
        known.add(f[1]);
      }
    }
    assertThat(found).as("of " + kernel).isEqualTo(known);
  }

  private static Path folder(String kernel) throws IOException, InterruptedException {
    Process vmtest =
        new ProcessBuilder(List.of(ROOT.resolve("vmtest/vmtest").toString(), "path", kernel))
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    String out = new String(vmtest.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
    int exit = vmtest.waitFor();
    if (exit != 0) {
      System.out.println("[WARNING] SKIPPED: kernel " + kernel + " cannot be had: exit " + exit);
    }
    assumeTrue(exit == 0, "kernel " + kernel + " cannot be had");
    return Path.of(out);
  }
}
