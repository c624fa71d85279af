package dev.sonde.agent.truth;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** The image that {@code tools/image} builds, unpacked. */
public final class DeployImage {
  private static final Path ROOT = Path.of(System.getProperty("sonde.root"));

  private DeployImage() {}

  /** {@link #rootfs} for {@link dev.sonde.agent.guest.Guest#onHost}. */
  public static final class Build implements Runnable {
    @Override
    public void run() {
      rootfs();
    }
  }

  /** Its files; built first where it is older than what it is made of. */
  static synchronized Path rootfs() {
    try {
      Process build =
          new ProcessBuilder(ROOT.resolve("tools/image").toString(), "--if-changed")
              .redirectErrorStream(true)
              .start();
      String output = new String(build.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      if (build.waitFor() != 0) {
        throw new AssertionError("tools/image failed:\n" + output);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError(e);
    }
    return built();
  }

  /** Its files as the host has built them: a guest cannot. */
  static Path built() {
    Path rootfs = ROOT.resolve("build/image/rootfs");
    if (!Files.exists(rootfs.resolve("opt/sonde/sonde"))) {
      throw new AssertionError("no image in build/image; run: make image");
    }
    return rootfs;
  }

  /** What a registry would hold: all layers, compressed, and the two documents that name them. */
  static long compressedBytes() throws IOException {
    try (var files = Files.walk(ROOT.resolve("build/image/oci/blobs"))) {
      return files.filter(Files::isRegularFile).mapToLong(f -> f.toFile().length()).sum();
    }
  }
}
