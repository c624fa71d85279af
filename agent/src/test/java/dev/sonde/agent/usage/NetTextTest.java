package dev.sonde.agent.usage;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class NetTextTest {
  private static final byte[][] NAMES = {StatText.key("ListenDrops"), StatText.key("Last")};

  private static long[] read(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.US_ASCII);
    long[] values = {7, 7};
    NetText.tcpExt(MemorySegment.ofArray(bytes), bytes.length, NAMES, values);
    return values;
  }

  @Test
  void findsNumbersByTheNamesAboveThem() {
    assertThat(
            read(
                """
                TcpExt: SyncookiesSent ListenOverflows ListenDrops Last
                TcpExt: 1 22 333 4444
                IpExt: InNoRoutes ListenDrops
                IpExt: 5 6
                """))
        .containsExactly(333, 4444);
  }

  @Test
  void aNameThatOnlyBeginsAlikeIsAnother() {
    assertThat(read("TcpExt: ListenDropsOfOld Last\nTcpExt: 1 2\n"))
        .containsExactly(StatText.ABSENT, 2);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "TcpExt:",
        "TcpExt: ListenDrops Last",
        "TcpExt: ListenDrops Last\n",
        "TcpExt: ListenDrops Last\nTcpExt:",
        "TcpExt: ListenDrops Last\nTcpExt: x y\n",
        "TcpExt: ListenDrops Last\nIpExt: 1 2\n",
        "\n\n\0\1TcpExt\nTcpExt:\nTcpExt: 5 6"
      })
  void whatIsNotAsExpectedHasNoNumber(String text) {
    assertThat(read(text)).containsExactly(StatText.ABSENT, StatText.ABSENT);
  }

  @Test
  void fewerValuesThanNames() {
    assertThat(read("TcpExt: ListenDrops Last\nTcpExt: 3")).containsExactly(3, StatText.ABSENT);
  }
}
