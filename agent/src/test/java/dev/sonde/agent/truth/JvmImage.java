package dev.sonde.agent.truth;

import dev.sonde.agent.workload.cri.CriCalls.Container;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * An image with a JVM that collects its garbage, sends {@value #BYTES} bytes, and stays.
 *
 * {@snippet :
 * JvmImage jvm = JvmImage.load(runtime, directory);
 * runtime.start(sandbox, pod, jvm.container("app", 7, sink.port(), logs));
 * }
 */
final class JvmImage {
  /** What the program sends. */
  static final int BYTES = 5000;

  private static final String NAME = "localhost/sonde-jvm:1";

  private JvmImage() {}

  /** Makes it in {@code dir} and gives it to the runtime. */
  static JvmImage load(Containerd runtime, Path dir) throws IOException {
    Path classes = Files.createDirectories(dir.resolve("classes"));
    Path source =
        Path.of(
            System.getProperty("sonde.root", ".."),
            "agent/src/test/resources/dev/sonde/agent/truth/Collect.java");
    Path home = Path.of(System.getProperty("java.home"));
    Command.run(home.resolve("bin/javac").toString(), "-d", classes.toString(), source.toString());
    runtime.load(OciImage.jvm(Files.createDirectories(dir.resolve("image")), NAME, classes), NAME);
    return new JvmImage();
  }

  /**
   * @param logs where it writes {@code gc.log}, and {@code done} when it has sent its bytes
   */
  Container container(String name, int collections, int port, Path logs) {
    return new Container(
        name,
        0,
        NAME,
        List.of(
            "/jdk/bin/java",
            "-XX:+UseSerialGC",
            "-Xmx32m",
            "-Xlog:gc:file=/logs/gc.log",
            "-cp",
            "/app",
            "Collect",
            Integer.toString(collections),
            "/logs/done",
            Integer.toString(port)),
        Map.of(logs.toString(), "/logs"));
  }
}
