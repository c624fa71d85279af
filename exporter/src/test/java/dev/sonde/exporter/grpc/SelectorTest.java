package dev.sonde.exporter.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sonde.v1.LabelMatcher;
import org.junit.jupiter.api.Test;

class SelectorTest {
  private static boolean glob(String pattern, String name) throws InvalidRequestException {
    return MetricPattern.parse("metrics[0]", pattern).matches(name);
  }

  private static LabelMatcher.Builder on(String label) {
    return LabelMatcher.newBuilder().setLabel(label);
  }

  private static LabelCondition parse(LabelMatcher.Builder m) throws InvalidRequestException {
    return LabelCondition.parse("matchers[0]", m.build());
  }

  @Test
  void patternsMatchWholeNames() throws Exception {
    assertThat(glob("sonde_tcp_sent", "sonde_tcp_sent")).isTrue();
    assertThat(glob("sonde_tcp", "sonde_tcp_sent")).isFalse();
    assertThat(glob("sonde_*", "sonde_tcp_sent")).isTrue();
    assertThat(glob("*_total", "sonde_x_total")).isTrue();
    assertThat(glob("*_total", "sonde_x_totals")).isFalse();
    assertThat(glob("*tcp*bytes*", "sonde_tcp_sent_bytes_total")).isTrue();
    assertThat(glob("*", "x")).isTrue();
    assertThat(glob("a*", "a")).isTrue();
    assertThat(glob("a*b*c", "a_b_b_c")).isTrue();
    assertThat(glob("a*b*c", "a_c_b")).isFalse();
  }

  @Test
  void aHostilePatternTakesNoTimeToSpeakOf() throws Exception {
    // Exponential for a backtracking matcher.
    assertThat(glob("*a".repeat(60), "a".repeat(59) + "b")).isFalse();
    assertThat(parse(on("pod").setRegex("(a*)*".repeat(20) + "b")).holds("a".repeat(250)))
        .isFalse();
  }

  @Test
  void conditionsMatchWholeValues() throws Exception {
    assertThat(parse(on("pod").setEqual("a")).holds("a")).isTrue();
    assertThat(parse(on("pod").setEqual("a")).holds("ab")).isFalse();
    assertThat(parse(on("pod").setNotEqual("")).holds("")).isFalse();
    assertThat(parse(on("pod").setRegex("a|b")).holds("b")).isTrue();
    assertThat(parse(on("pod").setRegex("a|b")).holds("ab")).isFalse();
    assertThat(parse(on("pod").setNotRegex("web-.*")).holds("db-0")).isTrue();
    LabelCondition twice = parse(on("pod").setRegex("web-.*"));
    assertThat(twice.holds("web-1")).isTrue();
    assertThat(twice.holds("web-1")).as("remembered").isTrue();
  }

  @Test
  void refusesWhatCouldBeCostlyOrIsNoSelector() {
    assertThatThrownBy(() -> parse(on("pod").setRegex("((a{100}){100}){100}")))
        .isInstanceOf(InvalidRequestException.class)
        .hasMessageContaining("matchers[0].regex")
        .hasMessageContaining("counted repetition");
    assertThatThrownBy(() -> parse(on("pod").setRegex("a".repeat(257))))
        .hasMessageContaining("has 257 characters, at most 256");
    assertThatThrownBy(() -> parse(on("").setEqual("a"))).hasMessageContaining("no label name");
    assertThatThrownBy(() -> parse(on("1a").setEqual("a"))).hasMessageContaining("\"1a\"");
    assertThatThrownBy(() -> parse(on("__name__").setEqual("a"))).hasMessageContaining("metrics");
    assertThatThrownBy(() -> glob("", "a")).hasMessageContaining("0 characters");
    assertThatThrownBy(() -> glob("a".repeat(129), "a")).hasMessageContaining("129 characters");
    assertThatThrownBy(() -> glob("sonde_tcp.*", "a")).hasMessageContaining("sonde_tcp.*");
  }
}
