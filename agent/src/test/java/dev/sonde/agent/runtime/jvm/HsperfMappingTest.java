package dev.sonde.agent.runtime.jvm;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HsperfMappingTest {
  @ParameterizedTest
  @ValueSource(
      strings = {
        "7ff18a430000-7ff18a438000 rw-s 00000000 fe:00 2154512                    /tmp/hsperfdata_root/17",
        "7ff18a430000-7ff18a438000 rw-s 00000000 fe:00 2154512 /tmp/hsperfdata_root/17 (deleted)",
        "7ff18a430000-7ff18a438000 rw-s 00000000 fe:00 2 /var/lib/x/merged/tmp/hsperfdata_a b/17",
        "7ff18a430000-7ff18a438000 rw-s 00000000 fe:00 2 /tmp/hsperfdata_/17",
      })
  void knowsAJvmsOwnFile(String line) {
    assertThat(HsperfMapping.match(line))
        .isNotNull()
        .satisfies(m -> assertThat(m.group(5)).isEqualTo("17"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        // jstat reads another JVM's
        "7ff18a430000-7ff18a438000 r--s 00000000 fe:00 2154512 /tmp/hsperfdata_root/17",
        "7ff18a430000-7ff18a438000 rw-s 00001000 fe:00 2154512 /tmp/hsperfdata_root/17",
        "7ff18a430000-7ff18a438000 rw-s 00000000 fe:00 2154512 /tmp/hsperfdata_root/17/x",
        "7ff18a430000-7ff18a438000 rw-s 00000000 fe:00 2154512 /tmp/hsperfdata_root/x17",
        "7ff18a430000-7ff18a438000 rw-s 00000000 fe:00 2154512 /tmp/hsperfdata_root/99999999999",
        "7ff18a430000-7ff18a438000 rw-p 00000000 00:00 0 [heap]",
        "",
      })
  void leavesEverythingElseAlone(String line) {
    assertThat(HsperfMapping.match(line)).isNull();
  }

  @Test
  void aVeryLongLineIsNoTrouble() {
    String line = "7ff18a430000-7ff18a438000 rw-s 00000000 fe:00 2 /" + "hsperfdata_/".repeat(300);
    assertThat(HsperfMapping.match(line)).isNull();
    assertThat(HsperfMapping.match(line + "hsperfdata_x/5")).isNotNull();
  }
}
