package dev.sonde.agent.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class OptionsTest {
  static List<Option<?>> rows() {
    return Options.ALL;
  }

  @ParameterizedTest
  @MethodSource("rows")
  void aRowIsComplete(Option<?> option) throws Exception {
    assertThat(option.name()).matches("[a-z]+(-[a-z]+)*");
    assertThat(option.help()).isNotBlank();
    assertThat(option.label()).isNotBlank();
    assertThat(option.commands()).isNotEmpty();
    assertThat(option.places()).isNotEmpty();
    option.parser().parse(option.example());
    option.parser().parse(option.fallback().get());
  }

  /** A Service called sonde makes SONDE_PORT and SONDE_SERVICE_HOST in every pod. */
  @ParameterizedTest
  @MethodSource("rows")
  void aRowsVariableIsNoneThatKubernetesSets(Option<?> option) throws Exception {
    Config config = ConfigLoader.load(Map.of(), Map.of(option.variable() + "X", "1"), List.of());
    assertThat(config.warnings()).hasSize(1);
    assertThat(option.variable()).doesNotStartWith("SONDE_PORT").doesNotContain("_SERVICE_");
  }

  @Test
  void namesAreUnique() {
    assertThat(Options.ALL.stream().map(Option::name)).doesNotHaveDuplicates();
  }

  @Test
  void theNamesOfARowAgree() {
    assertThat(Options.STALE_AFTER.flag()).isEqualTo("--stale-after");
    assertThat(Options.STALE_AFTER.variable()).isEqualTo("SONDE_STALE_AFTER");
  }
}
