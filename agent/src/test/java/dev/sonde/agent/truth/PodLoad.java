package dev.sonde.agent.truth;

import static org.awaitility.Awaitility.await;

import dev.sonde.agent.guest.Patience;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Pattern;

/**
 * Two pods that use all that Sonde tells of: a JVM of another user that has collected garbage, and
 * a shell of root's that sends, sleeps and wakes.
 */
final class PodLoad implements AutoCloseable {
  private static final Pattern PAUSE =
      Pattern.compile("GC\\(\\d+\\) Pause .*ms$", Pattern.MULTILINE);

  /** nobody, as which no agent runs. */
  private static final String UID = "65534";

  private final PodCgroup jvm = PodCgroup.create();
  private final PodCgroup shell = PodCgroup.create();
  private final ByteSink sink;
  private final Path dir;

  private PodLoad(Path dir) throws IOException {
    this.dir = dir;
    this.sink = ByteSink.open();
  }

  /**
   * @param dir empty, and made readable for everybody
   */
  static PodLoad start(Path dir) throws IOException {
    PodLoad load = new PodLoad(dir);
    Path program = dir.resolve("AllocateThenIdle.java");
    Files.copy(
        Path.of(
            System.getProperty("sonde.root"),
            "agent/src/test/resources/dev/sonde/agent/runtime/jvm/AllocateThenIdle.java"),
        program);
    Command.run("chmod", "0777", dir.toString());
    Path out = dir.resolve("jvm.out");
    load.jvm.start(
        out,
        "setpriv",
        "--reuid=" + UID,
        "--regid=" + UID,
        "--clear-groups",
        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
        "-Xmx64m",
        "-Xlog:gc:file=" + dir.resolve("gc.log") + "::filecount=0",
        program.toString(),
        "1000");
    load.shell.start(
        "sh",
        "-c",
        "while :; do head -c 1000 /dev/zero | busybox nc 127.0.0.1 "
            + load.sink.port()
            + "; sleep 0.2; done");
    await("the JVM to have allocated")
        .atMost(Patience.seconds(30))
        .until(() -> Files.readString(out).endsWith("idle\n"));
    return load;
  }

  /** Of nobody's JVM alone. */
  PodCgroup jvm() {
    return jvm;
  }

  /** Of a shell and what it starts. */
  PodCgroup shell() {
    return shell;
  }

  /** What the JVM says of itself; it does nothing any more. */
  long collections() throws IOException {
    return PAUSE.matcher(Files.readString(dir.resolve("gc.log"))).results().count();
  }

  @Override
  public void close() {
    jvm.close();
    shell.close();
    sink.close();
  }
}
