package dev.sonde.ffi.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sonde.ffi.NativeLibraryException;
import org.junit.jupiter.api.Test;

class NativeLibrariesTest {
  @Test
  void aMissingLibraryIsNamedWithItsRemedy() {
    assertThatThrownBy(() -> NativeLibraries.open("/nonexistent/libbpf.so.1"))
        .isInstanceOf(NativeLibraryException.Missing.class)
        .hasMessageContaining("open /nonexistent/libbpf.so.1: not found")
        .hasMessageContaining(" on " + System.getProperty("os.arch"))
        .hasMessageContaining("apt install libbpf1")
        .hasMessageContaining("-Dsonde.libbpf=PATH or SONDE_LIBBPF=PATH");
  }

  @Test
  void anotherLibraryIsTheWrongVersionNotAMissingOne() {
    assertThatThrownBy(() -> NativeLibraries.open("libc.so.6"))
        .isInstanceOf(NativeLibraryException.WrongVersion.class)
        .hasMessageContaining("not libbpf, or one older than 0.6")
        .satisfies(e -> assertThat(((NativeLibraryException) e).path()).isEqualTo("libc.so.6"));
  }

  @Test
  void versionsAreReadByTheirMajorNumber() {
    assertThat(NativeLibraries.majorVersion("v1.1")).isEqualTo(1);
    assertThat(NativeLibraries.majorVersion("v12.0.3")).isEqualTo(12);
    assertThat(NativeLibraries.majorVersion("v0.8")).isZero();
    assertThat(NativeLibraries.majorVersion("")).isZero();
    assertThat(NativeLibraries.majorVersion("v")).isZero();
    assertThat(NativeLibraries.majorVersion("v99999999999")).isZero();
  }

  @Test
  void theSonameIsTheDefault() {
    assertThat(System.getProperty(NativeLibraries.PROPERTY)).isNull();
    assertThat(NativeLibraries.configuredPath()).endsWith("libbpf.so.1");
  }
}
