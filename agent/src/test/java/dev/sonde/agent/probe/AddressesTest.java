package dev.sonde.agent.probe;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.util.HexFormat;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AddressesTest {
  private static String format(String hex, boolean v6, int port) {
    // not at offset 0, and nothing behind it: a read past the address fails
    byte[] record = HexFormat.of().parseHex("ffffff" + hex);
    return Addresses.format(MemorySegment.ofArray(record), 3, v6, port);
  }

  @ParameterizedTest
  @CsvSource({
    "0a000001, 5201, 10.0.0.1:5201",
    "00000000, 0, 0.0.0.0:0",
    "ffffffff, 65535, 255.255.255.255:65535",
    "7f00c8fe, 80, 127.0.200.254:80",
  })
  void writesIpv4(String hex, int port, String text) {
    assertThat(format(hex, false, port)).isEqualTo(text);
  }

  /** The rules of RFC 5952, section 4, one by one. */
  @ParameterizedTest
  @CsvSource({
    // 4.1: no leading zeros; 4.3: lower case
    "20010db8000000000001000000000ABC, 2001:db8::1:0:0:abc",
    "fd000000000000000000000000000001, fd00::1",
    "00000000000000000000000000000000, ::",
    "00000000000000000000000000000001, ::1",
    "fe800000000000000000000000000000, fe80::",
    // 4.2.1: as short as possible
    "20010db8000000000000000000020001, 2001:db8::2:1",
    // 4.2.2: one group of zeros is not shortened
    "20010db8000000010001000100010001, 2001:db8:0:1:1:1:1:1",
    "00000001000100010001000100010001, 0:1:1:1:1:1:1:1",
    "00010001000100010001000100010000, 1:1:1:1:1:1:1:0",
    // 4.2.3: the longest run, and of two equal ones the first
    "20010000000000010000000000000001, 2001:0:0:1::1",
    "20010db8000000000001000000000001, 2001:db8::1:0:0:1",
    "00000000000100000000000000010001, 0:0:1::1:1",
    "00010000000000000000000000000000, 1::",
    "00000000000000000000000000010001, ::1:1",
    "20010db8111122223333444455556666, 2001:db8:1111:2222:3333:4444:5555:6666",
  })
  void writesIpv6(String hex, String text) {
    assertThat(format(hex, true, 443)).isEqualTo("[" + text + "]:443");
  }
}
