package dev.sonde.ffi;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class ErrnoTest {
  @Test
  void numbersHaveTheirSymbolAndText() {
    assertThat(Errno.EPERM).hasToString("EPERM (Operation not permitted)");
    assertThat(Errno.ENOTSUPP.name()).isEqualTo("ENOTSUPP");
    assertThat(new Errno(4003).text()).contains("another architecture");
  }

  @Test
  void anUnknownNumberIsStillAnAnswer() {
    assertThat(new Errno(133)).hasToString("errno 133 (Unknown error 133)");
  }

  @Test
  void resultsAreNegativeNumbers() {
    assertThat(Errno.ofResult(-22)).isEqualTo(Errno.EINVAL);
    assertThat(Errno.ofResult(3)).isEqualTo(new Errno(0));
  }

  @Test
  void lockdownIsTheWordInBrackets() {
    assertThat(Lockdown.parse("none [integrity] confidentiality")).isEqualTo(Lockdown.INTEGRITY);
    assertThat(Lockdown.parse("[none] integrity confidentiality")).isEqualTo(Lockdown.NONE);
    assertThat(Lockdown.parse("")).isEqualTo(Lockdown.UNKNOWN);
  }
}
