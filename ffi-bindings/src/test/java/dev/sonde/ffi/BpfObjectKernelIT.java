package dev.sonde.ffi;

import static dev.sonde.ffi.TestObjects.longs;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

@KernelTest
class BpfObjectKernelIT {
  private static long count(BpfObject object, int which) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment value = arena.allocate(8, 8);
      assertThat(
              object.map("counts").lookup(arena.allocateFrom(ValueLayout.JAVA_INT, which), value))
          .isTrue();
      return value.get(ValueLayout.JAVA_LONG, 0);
    }
  }

  @Test
  void settingsReachTheProgramByNameAndWidth() {
    try (BpfObject object = TestObjects.open()) {
      object.setGlobal("target", 1L << 40);
      object.setGlobal("narrow", 65_535);
      object.setGlobal("enabled", 1);
      object.setGlobal("start_value", 10);
      object.load();
      TestRun run = object.program("settings").testRun(longs(3, 0), new byte[0], -1);
      assertThat(run.retval()).isEqualTo(65_545);
      assertThat(count(object, 2)).isEqualTo(1L << 40);
    }
  }

  @Test
  void aSettingThatDoesNotExistOrFitSaysSo() {
    try (BpfObject object = TestObjects.open()) {
      assertThatThrownBy(() -> object.setGlobal("tarGet", 1))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("no global variable tarGet in BPF object kernel; it has [")
          .hasMessageContaining("target");
      assertThatThrownBy(() -> object.setGlobal("narrow", 65_536))
          .hasMessage(
              "65536 does not fit global variable narrow of BPF object kernel, which has 16 bits");
      object.load();
      assertThatThrownBy(() -> object.setGlobal("target", 1))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("is loaded");
    }
  }

  @Test
  void aRefusedProgramCarriesTheVerifiersReasonAndItsWholeLog() {
    try (BpfObject object = TestObjects.open()) {
      object.program("refused").setAutoload(true);
      BpfException refusal = catchThrowableOfType(BpfException.class, object::load);
      assertThat(refusal.errno()).isEqualTo(Errno.EACCES);
      assertThat(refusal)
          .hasMessageStartingWith("load program refused (raw_tp/task_rename) of kernel: EACCES")
          .hasMessageContaining("lines omitted)")
          .hasMessageContaining("invalid mem access 'map_value_or_null'");
      assertThat(refusal.verifierLog()).contains("processed ").hasLineCount(lines(refusal));
      assertThat(refusal.toString().lines().count()).isLessThan(10);
    }
  }

  private static int lines(BpfException refusal) {
    int lines = (int) refusal.verifierLog().lines().count();
    assertThat(lines).isGreaterThan(VerifierLog.LINES);
    return lines;
  }

  @Test
  void anUnknownHookSaysThatTheKernelLacksIt() {
    try (BpfObject object = TestObjects.open()) {
      object.programs().forEach(p -> p.setAutoload(p.name().equals("no_such_hook")));
      assertThatThrownBy(object::load)
          .isInstanceOf(BpfException.class)
          .hasMessage(
              "load program no_such_hook (tp_btf/no_such_tracepoint) of kernel: ESRCH (No such"
                  + " process); the kernel's BTF lacks a function or type that a program names");
    }
  }

  @Test
  void aQuestionMarkInTheSectionMeansOnlyWhenAsked() {
    try (BpfObject object = TestObjects.open()) {
      assertThat(object.program("refused").autoload()).isFalse();
      object.program("on_switch").setAutoload(false);
      object.load();
      assertThatThrownBy(() -> object.program("on_switch").attach())
          .isInstanceOf(IllegalStateException.class)
          .hasMessage("program on_switch is not loaded; load kernel first, with autoload on");
    }
  }

  @Test
  void whatIsNotThereIsNamedBesideWhatIs() {
    try (BpfObject object = TestObjects.open()) {
      assertThatThrownBy(() -> object.program("nothing"))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("no program nothing in BPF object kernel; it has [produce, ");
      assertThatThrownBy(() -> object.map("nothing")).hasMessageContaining("pairs");
      assertThatThrownBy(() -> object.map("pairs").fd()).isInstanceOf(IllegalStateException.class);
    }
  }

  @Test
  void anAttachedProgramRunsUntilItsLinkIsClosed() {
    try (BpfObject object = TestObjects.open();
        BpfStatistics on = BpfStatistics.enable()) {
      assertThat(on).isNotNull();
      object.load();
      BpfProgram program = object.program("on_switch");
      try (BpfLink link = program.attach()) {
        assertThat(link.fd()).isPositive();
        Awaitility.await().until(() -> program.info().runCount() > 10);
      }
      ProgramInfo info = program.info();
      assertThat(info.id()).isPositive();
      assertThat(info.runNanos()).isGreaterThan(info.runCount());
      assertThat(info.verifiedInstructions()).isPositive();
      assertThat(info.recursionMisses()).isZero();
      // Counted after statistics began, so the program's own count may be ahead, never behind.
      assertThat(count(object, 0)).isGreaterThanOrEqualTo(info.runCount());
    }
  }

  @Test
  void anIteratorIsReadToItsEnd() {
    try (BpfObject object = TestObjects.open()) {
      object.load();
      byte[] lines = object.program("dump_files").readIterator();
      assertThat(lines.length % 16).isZero();
      ByteBuffer first = ByteBuffer.wrap(lines).order(ByteOrder.nativeOrder());
      assertThat(first.getLong()).isBetween(0L, 1L << 20);
      assertThat(first.getLong()).as("a kernel address").isNegative();
    }
  }

  @Test
  void aPacketProgramSeesItsPacket() {
    try (BpfObject object = TestObjects.open()) {
      object.load();
      TestRun run = object.program("packet_length").testRun(new byte[0], new byte[128], -1);
      // A socket filter starts behind the 14 bytes of the Ethernet header.
      assertThat(run.retval()).isEqualTo(114);
    }
  }

  @Test
  void aCorruptObjectIsRefusedWithAReason() {
    byte[] good = TestObjects.read("kernel");
    assertThatThrownBy(() -> BpfObject.open("bad", new byte[100], OpenOptions.none()))
        .isInstanceOf(BpfException.class)
        .hasMessageContaining("open BPF object bad (100 bytes)")
        .hasMessageContaining("the object is corrupt");
    assertThatThrownBy(
            () ->
                BpfObject.open(
                    "cut", java.util.Arrays.copyOf(good, good.length / 2), OpenOptions.none()))
        .isInstanceOf(BpfException.class)
        .hasMessageContaining("corrupt");
    assertThatThrownBy(() -> BpfObject.open("empty", new byte[0], OpenOptions.none()))
        .hasMessageContaining("the object is empty");
  }

  @Test
  void btfFromAFileTakesTheKernelsPlace() {
    OpenOptions missing = new OpenOptions(Path.of("/nonexistent.btf"));
    try (BpfObject object = BpfObject.open("kernel", TestObjects.read("kernel"), missing)) {
      assertThatThrownBy(object::load).isInstanceOf(BpfException.class);
    }
    OpenOptions own = new OpenOptions(Path.of("/sys/kernel/btf/vmlinux"));
    try (BpfObject object = BpfObject.open("kernel", TestObjects.read("kernel"), own)) {
      object.load();
    }
  }

  @Test
  void closingTwiceIsHarmlessAndUseAfterwardsIsAnError() {
    BpfObject object = TestObjects.open();
    object.load();
    BpfMap map = object.map("pairs");
    object.close();
    object.close();
    assertThatThrownBy(map::fd).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(object::load).isInstanceOf(IllegalStateException.class);
  }
}
