package dev.sonde.exporter.access;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TokensTest {
  private static final String ONE = "0123456789abcdef";
  private static final String TWO = "fedcba9876543210";

  @Test
  void everyLineIsAToken() throws Exception {
    Access access =
        Access.of(Optional.empty(), Optional.of(Tokens.parse(ONE + "\n\n" + TWO + "\r\n")));
    assertThat(access.allows("Bearer " + ONE, false)).isTrue();
    assertThat(access.allows("bearer " + TWO, false)).isTrue();
    assertThat(access.allows("Bearer " + ONE + "0", false)).isFalse();
    assertThat(access.allows("Basic " + ONE, false)).isFalse();
    assertThat(access.allows(ONE, false)).isFalse();
    assertThat(access.allows(null, false)).isFalse();
    // without TLS that verifies there is no certificate to trust
    assertThat(access.allows(null, true)).isFalse();
  }

  @ParameterizedTest
  @CsvSource({"'', no token in it", "short, line 1: a token has 16 to 4096 characters"})
  void saysWhatIsWrongWithoutTheToken(String text, String why) {
    assertThatThrownBy(() -> Tokens.parse(text)).hasMessage(why);
  }

  @Test
  void refusesBlanksWithin() {
    assertThatThrownBy(() -> Tokens.parse("\n0123456789 abcdef\n"))
        .hasMessage("line 2: a token is printable ASCII without blanks")
        .message()
        .doesNotContain("abcdef");
  }
}
