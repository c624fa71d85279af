package dev.sonde.ffi;

import static org.assertj.core.api.Assertions.fail;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;

/** The prebuilt objects of src/test/bpf. */
public final class TestObjects {
  private TestObjects() {}

  /** The bytes of {@code <name>.bpf.o}. */
  public static byte[] read(String name) {
    try (InputStream in = TestObjects.class.getResourceAsStream(name + ".bpf.o")) {
      return in == null ? fail("run src/test/bpf/build.sh: no " + name) : in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static BpfObject open() {
    return BpfObject.open("kernel", read("kernel"), OpenOptions.none());
  }

  static byte[] longs(long... values) {
    java.nio.ByteBuffer bytes =
        java.nio.ByteBuffer.allocate(values.length * 8).order(java.nio.ByteOrder.nativeOrder());
    for (long value : values) {
      bytes.putLong(value);
    }
    return bytes.array();
  }
}
