package dev.sonde.agent.doctor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.sonde.agent.config.Config;
import dev.sonde.agent.config.Options;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PreflightTest {
  private static final LibbpfState USABLE = new LibbpfState.Usable("v1.1", "libbpf.so.1");

  @TempDir Path root;
  private Config config = Config.defaults();
  private HostFolder host = new HostFolder(Path.of("/nowhere"));

  @BeforeEach
  void layOut() throws Exception {
    host = HostFolder.good(root);
  }

  private StartFailure failure() {
    return failure(USABLE);
  }

  private StartFailure failure(LibbpfState libbpf) {
    return catchThrowableOfType(
            StartException.class, () -> Preflight.check(config, host.files(), () -> libbpf))
        .failure();
  }

  @Test
  void aGoodHostPasses() {
    assertThatCode(() -> Preflight.check(config, host.files(), () -> USABLE))
        .doesNotThrowAnyException();
  }

  @Test
  void twoCapabilitiesOrSysAdminAreEnough() throws Exception {
    host.capabilities(1000, "000000c000000000");
    Preflight.check(config, host.files(), () -> USABLE);
    host.capabilities(1000, "0000000000200000");
    Preflight.check(config, host.files(), () -> USABLE);
  }

  @Test
  void aUserWithoutCapabilitiesIsToldToUseSudo() throws Exception {
    host.capabilities(1000, "0000000000000000");
    StartFailure failure = failure();
    assertThat(failure)
        .isEqualTo(new StartFailure.NotPrivileged(List.of("CAP_BPF", "CAP_PERFMON"), 1000));
    assertThat(failure.what())
        .isEqualTo(
            "needs root, or CAP_BPF and CAP_PERFMON;"
                + " this process (uid 1000) lacks CAP_BPF and CAP_PERFMON");
    assertThat(failure.remedy()).isEqualTo("run: sudo ./sonde agent");
  }

  @Test
  void rootWithoutCapabilitiesGoesOnWithWhatFilesTell() throws Exception {
    host.capabilities(0, "0000008000000000");
    assertThatCode(() -> Preflight.check(config, host.files(), () -> USABLE))
        .doesNotThrowAnyException();
  }

  @Test
  void missingBtfIsTold() throws Exception {
    host.remove("/sys/kernel/btf/vmlinux");
    assertThat(failure().what()).endsWith("/sys/kernel/btf/vmlinux: no such file");
    assertThat(failure().remedy()).contains("CONFIG_DEBUG_INFO_BTF", "--btf FILE");
  }

  @Test
  void btfIsFoundWhereLibbpfFindsIt() throws Exception {
    host.remove("/sys/kernel/btf/vmlinux");
    host.write("/boot/vmlinux-6.18.15", "\u007fELF and so on");
    assertThat(Preflight.btf(config, host.files()))
        .isInstanceOfSatisfying(
            BtfFile.Usable.class, found -> assertThat(found.format()).isEqualTo("elf"));
  }

  @Test
  void aNamedBtfFileMustBeOne() throws Exception {
    assertThat(named("absent", null).what()).endsWith("absent: no such file");
    assertThat(named("text", "hello".getBytes(StandardCharsets.UTF_8)).what())
        .endsWith("text: is not a BTF file (neither BTF nor ELF at its start)");
    assertThat(named("empty", new byte[0]).what()).contains("is not a BTF file");
    byte[] whole = HostFolder.btf(100);
    assertThat(named("cut", Arrays.copyOf(whole, 90)).what()).contains("cut short or damaged");
    config = config.with(Options.BTF, Optional.of(root));
    assertThat(failure().what()).endsWith("is a directory");
  }

  private StartFailure named(String name, byte @Nullable [] content) throws Exception {
    Path file = root.resolve(name);
    if (content != null) {
      Files.write(file, content);
    }
    config = config.with(Options.BTF, Optional.of(file));
    return failure();
  }

  @Test
  void aNamedBtfFileServesWhereTheKernelHasNone() throws Exception {
    host.remove("/sys/kernel/btf/vmlinux");
    Path file = Files.write(root.resolve("vmlinux.btf"), HostFolder.btf(10));
    config = config.with(Options.BTF, Optional.of(file));
    assertThat(Preflight.btf(config, host.files())).isEqualTo(new BtfFile.Usable(file, "raw", 34));
  }

  @Test
  void libbpfIsAskedForLast() {
    StartFailure failure = failure(new LibbpfState.Unusable("open x: no", "install it"));
    assertThat(failure).isEqualTo(new StartFailure.NoLibbpf("open x: no", "install it"));
  }

  @Test
  void thisHostsBtfIsBtf() {
    assertThat(BtfFile.check(Path.of(BtfFile.KERNEL)))
        .isInstanceOfSatisfying(
            BtfFile.Usable.class, found -> assertThat(found.format()).isEqualTo("raw"));
  }
}
