package dev.sonde.ffi.btf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sonde.ffi.TestObjects;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class BtfTest {
  /** A section with these type words and these strings. */
  private static byte[] section(String strings, int... types) {
    byte[] text = strings.getBytes(StandardCharsets.UTF_8);
    ByteBuffer out =
        ByteBuffer.allocate(24 + types.length * 4 + text.length).order(ByteOrder.LITTLE_ENDIAN);
    out.putShort((short) 0xeb9f).put((byte) 1).put((byte) 0).putInt(24);
    out.putInt(0).putInt(types.length * 4).putInt(types.length * 4).putInt(text.length);
    for (int type : types) {
      out.putInt(type);
    }
    return out.put(text).array();
  }

  private static int info(int kind, int count) {
    return kind << 24 | count;
  }

  @Test
  void anObjectsStructsAreFound() {
    Btf btf = Btf.ofObject(TestObjects.read("kernel"));
    BtfType.Struct event = btf.struct("event").orElseThrow();
    assertThat(event.size()).isEqualTo(64);
    assertThat(event.members())
        .extracting(BtfType.Member::name)
        .containsExactly("sequence", "cpu", "kind", "flags", "payload");
    assertThat(btf.size(btf.type(event.members().get(4).type()))).isEqualTo(48);
    assertThat(btf.struct("nothing")).isEmpty();
    assertThat(btf.structNames()).contains("event", "pair_key", "pair_value");
  }

  @Test
  void everyTruncationIsAnErrorThatSaysWhere() {
    byte[] whole = Elf.section(TestObjects.read("kernel"), ".BTF");
    for (int length = 0; length < whole.length; length++) {
      byte[] cut = Arrays.copyOf(whole, length);
      assertThatThrownBy(() -> Btf.parse(cut)).isInstanceOf(BtfException.class);
    }
  }

  @Test
  void flippedBytesGiveTypesOrAnErrorNothingElse() {
    byte[] whole = Elf.section(TestObjects.read("kernel"), ".BTF");
    Random random = new Random(7);
    for (int round = 0; round < 2_000; round++) {
      byte[] bad = whole.clone();
      for (int i = 0; i < 3; i++) {
        bad[random.nextInt(bad.length)] = (byte) random.nextInt();
      }
      walk(bad);
    }
  }

  private static void walk(byte[] section) {
    try {
      Btf btf = Btf.parse(section);
      for (BtfType type : btf.types()) {
        if (type instanceof BtfType.Struct struct) {
          tryGenerate(btf, struct.name());
        }
      }
    } catch (BtfException expected) {
      assertThat(expected).hasMessageMatching("(?s).+");
    }
  }

  private static void tryGenerate(Btf btf, String struct) {
    try {
      assertThat(LayoutGenerator.generate(btf, struct)).isNotEmpty();
    } catch (BtfException expected) {
      assertThat(expected).hasMessageMatching("(?s).+");
    }
  }

  @Test
  void hugeCountsAllocateNothing() {
    byte[] members = section("\0s\0", 1, info(4, 0xffff), 8);
    assertThatThrownBy(() -> Btf.parse(members))
        .isInstanceOf(BtfException.class)
        .hasMessage("BTF ends inside type id 1: 786420 bytes needed, 0 left");
  }

  @Test
  void hugeArraysHaveNoSize() {
    // 1: int; 2: int[0xffffffff]; 3: [2][0xffffffff]
    Btf btf =
        Btf.parse(
            section(
                "\0int\0",
                1,
                info(1, 0),
                4,
                32,
                0,
                info(3, 0),
                0,
                1,
                1,
                -1,
                0,
                info(3, 0),
                0,
                2,
                1,
                -1));
    assertThatThrownBy(() -> btf.size(btf.type(3)))
        .isInstanceOf(BtfException.class)
        .hasMessageContaining("an array of 4294967295 times");
  }

  @Test
  void circlesEnd() {
    // 1: typedef of 2; 2: typedef of 1; 3: array of 3
    Btf btf =
        Btf.parse(section("\0t\0", 1, info(8, 0), 2, 1, info(8, 0), 1, 0, info(3, 0), 0, 3, 1, 1));
    assertThatThrownBy(() -> btf.resolve(1)).isInstanceOf(BtfException.class);
    assertThatThrownBy(() -> btf.size(btf.type(3))).isInstanceOf(BtfException.class);
    assertThatThrownBy(() -> btf.type(99)).hasMessage("type id 99 is not among 4 types");
  }

  @Test
  void anUnknownKindAndABadNameAreNamed() {
    assertThatThrownBy(() -> Btf.parse(section("\0", 0, info(31, 0), 0)))
        .hasMessage("type id 1 has the unknown kind 31");
    assertThatThrownBy(() -> Btf.parse(section("\0", 500, info(1, 0), 4, 32)))
        .hasMessage("the name of type id 1 lies outside the strings");
    assertThatThrownBy(() -> Btf.parse(section("\0abc")))
        .hasMessage("BTF strings do not end with NUL");
    assertThatThrownBy(() -> Btf.parse(new byte[24])).hasMessageContaining("BTF magic is 0");
  }

  @Test
  void whatIsNoElfFileIsRefused() {
    assertThatThrownBy(() -> Btf.ofObject(new byte[100])).hasMessageContaining("not a 64-bit");
    byte[] object = TestObjects.read("kernel");
    for (int length = 0; length < object.length; length += 13) {
      byte[] cut = Arrays.copyOf(object, length);
      assertThatThrownBy(() -> Btf.ofObject(cut)).isInstanceOf(BtfException.class);
    }
    assertThatThrownBy(() -> Elf.section(object, ".nothing"))
        .hasMessage("the ELF file has no section .nothing; compile it with -g");
  }
}
