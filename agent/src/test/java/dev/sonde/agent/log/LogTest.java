package dev.sonde.agent.log;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class LogTest {
  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
  private PrintStream before = System.err;
  private LogLevel levelBefore = LogLevel.INFO;

  @BeforeEach
  void redirect() {
    levelBefore = LogSink.level();
    before = LogSink.redirect(new PrintStream(bytes, true, StandardCharsets.UTF_8));
  }

  @AfterEach
  void restore() {
    LogSink.redirect(before).close();
    LogSink.level(levelBefore);
  }

  private String written() {
    return bytes.toString(StandardCharsets.UTF_8);
  }

  @Test
  void aLineIsLogfmt() {
    assertThat(
            Logfmt.line(
                Instant.parse("2026-01-01T12:00:00.123Z"),
                LogLevel.INFO,
                "agent",
                "probe attached",
                "probe",
                "tcp",
                "n",
                3,
                "empty",
                "",
                "none",
                null))
        .isEqualTo(
            "time=2026-01-01T12:00:00.123Z level=info logger=agent msg=\"probe attached\""
                + " probe=tcp n=3 empty=\"\" none=null");
  }

  @Test
  void whateverAValueHoldsTheLineStaysOneLine() {
    String line =
        Logfmt.line(
            Instant.EPOCH,
            LogLevel.WARN,
            "x",
            "a\nb",
            "q",
            "say \"hi\" \\o/",
            "esc",
            "\u001b[2J\u2028",
            "bad key=",
            "1",
            "odd");
    assertThat(line)
        .hasLineCount(1)
        .contains("msg=\"a\\nb\"")
        .contains("q=\"say \\\"hi\\\" \\\\o/\"")
        .contains("esc=\"\\u001b[2J\\u2028\"")
        .contains(" bad_key_=1")
        .endsWith(" extra=odd");
  }

  @Test
  void theLevelDropsWhatIsLessImportant() {
    LogSink.level(LogLevel.WARN);
    Log log = Log.named("t");
    log.info("not this");
    log.debug("nor this");
    log.warn("this");
    log.error("and this");
    assertThat(written()).hasLineCount(2).contains("msg=this", "msg=\"and this\"");
    assertThat(log.isDebug()).isFalse();
  }

  @Test
  void anErrorsStackAppearsAtDebugOnly() {
    Log.named("t").warn("failed", new IllegalStateException("why"), "k", "v");
    assertThat(written())
        .hasLineCount(1)
        .contains("k=v error=\"java.lang.IllegalStateException: why\"")
        .doesNotContain("LogTest");
    LogSink.level(LogLevel.DEBUG);
    Log.named("t").warn("failed", new IllegalStateException("why"));
    assertThat(written()).hasLineCount(2).contains("stack=", "LogTest");
  }

  @Test
  void systemLoggersEndHereAndLibrariesAreQuietBelowWarn() {
    System.getLogger("dev.sonde.exporter").log(System.Logger.Level.INFO, "ours {0}", 1);
    System.getLogger("io.other").log(System.Logger.Level.INFO, "theirs");
    System.getLogger("io.other").log(System.Logger.Level.WARNING, "their {warning}");
    System.getLogger("java.lang.Runtime").log(System.Logger.Level.DEBUG, "exit");
    assertThat(written())
        .hasLineCount(2)
        .contains("level=info logger=dev.sonde.exporter msg=\"ours 1\"")
        .contains("level=warn logger=io.other msg=\"their {warning}\"");
  }

  @Test
  void slf4jEndsHereFromWarnUpwards() {
    org.slf4j.Logger oneNio =
        new Slf4jBridge().getLoggerFactory().getLogger("one.nio.server.Server");
    oneNio.info("not this");
    oneNio.warn("port {}", "x");
    oneNio.error("cannot {}", "accept", new IllegalStateException("why"));
    assertThat(written())
        .hasLineCount(2)
        .contains("level=warn logger=one.nio.server.Server msg=\"port x\"")
        .contains("level=error logger=one.nio.server.Server msg=\"cannot accept\"")
        .contains("error=\"java.lang.IllegalStateException: why\"");
  }

  /** The launcher names it. */
  @Test
  void theLauncherHandsSlf4jOverToSonde() throws IOException {
    assertThat(Files.readString(Path.of("..", "sonde")))
        .contains("-Dslf4j.provider=" + Slf4jBridge.class.getName() + " ");
  }

  @Test
  void javaUtilLoggingEndsHere() {
    Logger root = Logger.getLogger("");
    var handlers = root.getHandlers();
    Level level = root.getLevel();
    try {
      new JulBridge();
      Logger grpc = Logger.getLogger("io.grpc.internal");
      grpc.info("not this");
      grpc.log(Level.WARNING, "port {0}", "x");
      assertThat(written())
          .hasLineCount(1)
          .contains("level=warn logger=io.grpc.internal msg=\"port x\"");
    } finally {
      for (var handler : root.getHandlers()) {
        root.removeHandler(handler);
      }
      for (var handler : handlers) {
        root.addHandler(handler);
      }
      root.setLevel(level);
    }
  }
}
