package dev.sonde.agent.truth;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sonde.agent.guest.Guest;
import dev.sonde.agent.guest.Patience;
import dev.sonde.agent.guest.Variant;
import dev.sonde.agent.probe.ProbesInProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code sonde doctor --json} says what the tables of this kernel say. */
@Guest(variants = {Variant.PLAIN, Variant.CGROUP_V1, Variant.INTEGRITY, Variant.CONFIDENTIALITY})
class DoctorGuest {
  private static final Expected MECHANISMS = Expected.of("mechanisms.tsv");
  private static final Pattern PROBE =
      Pattern.compile("\"probe\" : \"(\\w+)\",\\s+\"up\" : (\\w+),\\s+\"mechanism\" : \"(\\w+)\"");

  @TempDir Path folder;

  @Test
  void saysWhatIsUpAndWhatIsNot() throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(AgentProcess.java());
    command.addAll(List.of("doctor", "--json"));
    Path out = folder.resolve("out");
    Path err = folder.resolve("err");
    Process doctor =
        new ProcessBuilder(command)
            .redirectOutput(out.toFile())
            .redirectError(err.toFile())
            .start();
    assertThat(doctor.waitFor(Patience.seconds(30))).isTrue();
    String text = Files.readString(out);
    List<String> probes = new ArrayList<>();
    boolean all = true;
    Matcher m = PROBE.matcher(text);
    while (m.find()) {
      probes.add(m.group(1));
      boolean up = m.group(2).equals("true");
      all &= up;
      String expected = MECHANISMS.get(m.group(1));
      if (expected != null) {
        assertThat(m.group(3)).as(m.group(1) + "\n" + text).isEqualTo(expected);
      }
      assertThat(up).isEqualTo(!m.group(3).equals("none"));
    }
    assertThat(probes)
        .as(text + Files.readString(err))
        .containsExactlyInAnyOrderElementsOf(ProbesInProcess.ladders().keySet());
    String lockdown =
        Expected.GUEST.endsWith("confidentiality")
            ? "confidentiality"
            : Expected.GUEST.endsWith("integrity") ? "integrity" : "none";
    assertThat(fact(text, "security.lockdown")).isEqualTo(lockdown);
    assertThat(fact(text, "kernel.release")).isEqualTo(System.getProperty("os.version"));
    assertThat(text).contains("\"verdict\" : \"" + (all ? "ok" : "degraded") + "\"");
    assertThat(doctor.exitValue()).as("exit code").isEqualTo(all ? 0 : 1);
  }

  private static String fact(String text, String id) {
    Matcher m =
        Pattern.compile(
                "\"id\" : \"" + Pattern.quote(id) + "\",[^}]*?\"value\" : \"([^\"]*)\"",
                Pattern.DOTALL)
            .matcher(text);
    assertThat(m.find()).as(id + " in\n" + text).isTrue();
    return m.group(1);
  }
}
