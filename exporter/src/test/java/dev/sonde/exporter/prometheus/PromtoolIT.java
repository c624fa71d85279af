package dev.sonde.exporter.prometheus;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sonde.exporter.model.Family;
import dev.sonde.exporter.model.Snapshot;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Prometheus' own parser and linter have nothing to say. */
class PromtoolIT {
  private static final Path PROMTOOL = Path.of("/usr/bin/promtool");

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void isSilent(boolean classic) throws Exception {
    // the linter rightly dislikes what this metric is named; its page is checked below
    Snapshot all = Samples.hostile();
    List<Family> wellNamed =
        all.families().stream().filter(f -> !f.metric().name().contains("bare")).toList();

    assertThat(check(new Snapshot(1, all.at(), wellNamed), classic)).isEmpty();
  }

  @Test
  void parsesHistogramsWithoutLabels() throws Exception {
    assertThat(check(Samples.hostile(), true)).doesNotContain("error");
  }

  private static String check(Snapshot snapshot, boolean classic) throws Exception {
    Tools.require(PROMTOOL, "prometheus");
    Bytes page = new Bytes(16);
    new Exposition(classic).render(snapshot, Format.TEXT, page);
    Process process =
        new ProcessBuilder(PROMTOOL.toString(), "check", "metrics")
            .redirectErrorStream(true)
            .start();
    try (var in = process.getOutputStream()) {
      in.write(page.toArray());
    } catch (IOException e) {
      // it stopped reading at an error, which its output tells
    }
    String said = new String(process.getInputStream().readAllBytes(), UTF_8);
    int status = process.waitFor();
    assertThat(status).as(said).isIn(0, 3);
    return said;
  }
}
