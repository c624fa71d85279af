package dev.sonde.agent.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class QuantitiesTest {
  @ParameterizedTest
  @CsvSource({
    "0, PT0S, 0s",
    "0s, PT0S, 0s",
    "250ms, PT0.25S, 250ms",
    "1.5s, PT1.5S, 1s500ms",
    "1m30s, PT1M30S, 1m30s",
    "90s, PT1M30S, 1m30s",
    "1h, PT1H, 1h",
    "15us, PT0.000015S, 15us",
    "15µs, PT0.000015S, 15us"
  })
  void durations(String text, Duration value, String formatted) throws Exception {
    assertThat(Quantities.duration(Duration.ZERO, Duration.ofDays(1)).parse(text)).isEqualTo(value);
    assertThat(Quantities.format(value)).isEqualTo(formatted);
  }

  @ParameterizedTest
  @CsvSource({
    "65536, 65536",
    "64KiB, 65536",
    "64Ki, 65536",
    "64 KiB, 65536",
    "0.5MiB, 524288",
    "1MiB, 1048576",
    "65536B, 65536",
    "65.536kB, 65536"
  })
  void ringSizes(String text, int bytes) throws Exception {
    assertThat(Quantities.ringBytes(4096, 1 << 30).parse(text)).isEqualTo(bytes);
  }
}
