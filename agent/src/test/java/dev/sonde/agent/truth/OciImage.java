package dev.sonde.agent.truth;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Container images made of files of this machine: an OCI layout of one layer, as a tar file.
 *
 * <p>Source of the format: the OCI image specification, image-layout.md and manifest.md.
 */
final class OciImage {
  private static final Path BUSYBOX = Path.of("/usr/bin/busybox");

  private OciImage() {}

  /** A static busybox and its applets, which sleeps unless told otherwise. */
  static Path busybox(Path work) throws IOException {
    if (!Files.exists(BUSYBOX)) {
      throw new AssertionError(BUSYBOX + " is missing; install busybox-static with: make test");
    }
    Path root = Files.createDirectories(work.resolve("root"));
    Path bin = Files.createDirectories(root.resolve("bin"));
    Files.copy(BUSYBOX, bin.resolve("busybox"));
    bin.resolve("busybox").toFile().setExecutable(true, false);
    for (String applet : List.of("sh", "sleep", "nc", "dd", "cat", "head", "true")) {
      Files.createSymbolicLink(bin.resolve(applet), Path.of("busybox"));
    }
    return build(work, root, Containerd.BUSYBOX, "/bin/sleep", "1000000");
  }

  /** The modules of the JDK in use that a program needs, and the libraries that they need. */
  static Path jvm(Path work, String name, Path classes) throws IOException {
    Path home = Path.of(System.getProperty("java.home"));
    Path root = Files.createDirectories(work.resolve("root"));
    Command.run(
        home.resolve("bin/jlink").toString(),
        "--add-modules",
        "java.base",
        "--strip-debug",
        "--no-header-files",
        "--no-man-pages",
        "--output",
        root.resolve("jdk").toString());
    for (String library : libraries(root.resolve("jdk"))) {
      Path to = root.resolve(library.substring(1));
      Files.createDirectories(to.getParent());
      if (!Files.exists(to)) {
        Files.copy(Path.of(library).toRealPath(), to);
        to.toFile().setExecutable(true, false);
      }
    }
    Command.run("cp", "-r", classes.toString(), root.resolve("app").toString());
    Files.createDirectories(root.resolve("tmp"));
    Command.run("chmod", "1777", root.resolve("tmp").toString());
    return build(work, root, name, "/jdk/bin/java", "-version");
  }

  /** What the dynamic linker would load for the launcher and the JVM. */
  private static List<String> libraries(Path jdk) {
    List<String> found = new ArrayList<>();
    for (String binary :
        List.of(
            "bin/java",
            "lib/server/libjvm.so",
            "lib/libjava.so",
            "lib/libjimage.so",
            "lib/libnio.so",
            "lib/libnet.so")) {
      if (!Files.exists(jdk.resolve(binary))) {
        continue;
      }
      for (String line : Command.run("ldd", jdk.resolve(binary).toString()).split("\n")) {
        for (String word : line.trim().split("\\s+")) {
          if (word.startsWith("/") && !word.startsWith(jdk.toString())) {
            found.add(word);
          }
        }
      }
    }
    return found;
  }

  private static Path build(Path work, Path root, String name, String... command)
      throws IOException {
    Path layout = Files.createDirectories(work.resolve("layout"));
    Path blobs = Files.createDirectories(layout.resolve("blobs/sha256"));
    Path layer = work.resolve("layer.tar");
    Command.run(
        "tar", "-C", root.toString(), "--owner=0", "--group=0", "-cf", layer.toString(), ".");
    String layerDigest = store(blobs, layer);
    String arguments = "\"" + String.join("\",\"", command) + "\"";
    String architecture = System.getProperty("os.arch").replace("aarch64", "arm64");
    Path config =
        Files.writeString(
            work.resolve("config.json"),
            """
            {"architecture":"%s","os":"linux","config":{"Cmd":[%s],"Env":["PATH=/bin:/jdk/bin"]},
             "rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}
            """
                .formatted(architecture, arguments, layerDigest));
    long configSize = Files.size(config);
    String configDigest = store(blobs, config);
    Path manifest =
        Files.writeString(
            work.resolve("manifest.json"),
            """
            {"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",
             "config":{"mediaType":"application/vnd.oci.image.config.v1+json",
                       "digest":"sha256:%s","size":%d},
             "layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar",
                        "digest":"sha256:%s","size":%d}]}
            """
                .formatted(
                    configDigest, configSize, layerDigest, Files.size(blobs.resolve(layerDigest))));
    long manifestSize = Files.size(manifest);
    String manifestDigest = store(blobs, manifest);
    Files.writeString(layout.resolve("oci-layout"), "{\"imageLayoutVersion\":\"1.0.0\"}");
    Files.writeString(
        layout.resolve("index.json"),
        """
        {"schemaVersion":2,"manifests":[
          {"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:%s","size":%d,
           "platform":{"architecture":"%s","os":"linux"},
           "annotations":{%s}}]}
        """
            .formatted(manifestDigest, manifestSize, architecture, annotations(name)));
    Path image = work.resolve("image.tar");
    Command.run("tar", "-C", layout.toString(), "-cf", image.toString(), ".");
    return image;
  }

  private static String annotations(String name) {
    Map<String, String> all = new TreeMap<>();
    all.put("io.containerd.image.name", name);
    all.put("org.opencontainers.image.ref.name", name.substring(name.lastIndexOf(':') + 1));
    List<String> pairs = new ArrayList<>();
    all.forEach((k, v) -> pairs.add("\"" + k + "\":\"" + v + "\""));
    return String.join(",", pairs);
  }

  /** Moves a file to where its digest says; the digest. */
  private static String store(Path blobs, Path file) throws IOException {
    try {
      MessageDigest sha = MessageDigest.getInstance("SHA-256");
      try (var in = Files.newInputStream(file)) {
        byte[] part = new byte[1 << 16];
        for (int n = in.read(part); n > 0; n = in.read(part)) {
          sha.update(part, 0, n);
        }
      }
      String digest = HexFormat.of().formatHex(sha.digest());
      Files.move(file, blobs.resolve(digest));
      return digest;
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every JDK has SHA-256", e);
    }
  }
}
