package dev.sonde.bpf;

import java.io.IOException;
import java.io.InputStream;
import java.util.Locale;

/**
 * The BPF objects that ship with Sonde: compiled from {@code bpf-programs/src}, committed for
 * x86_64 and aarch64, so that running needs no compiler.
 *
 * {@snippet :
 * byte[] sched = BpfPrograms.read("sched");
 * }
 */
public final class BpfPrograms {
  private BpfPrograms() {}

  /** The object {@code <name>.bpf.o} for the machine this runs on. */
  public static byte[] read(String name) {
    return read(name, architecture());
  }

  /**
   * The object {@code <name>.bpf.o} for {@code architecture} ({@code x86_64} or {@code aarch64}).
   *
   * @throws IllegalArgumentException there is no such object in this build
   */
  public static byte[] read(String name, String architecture) {
    String path = architecture + "/" + name + ".bpf.o";
    try (InputStream in = BpfPrograms.class.getResourceAsStream(path)) {
      if (in == null) {
        throw new IllegalArgumentException(
            "no BPF object " + path + " in this build; Sonde ships objects for x86_64 and aarch64");
      }
      return in.readAllBytes();
    } catch (IOException e) {
      throw new IllegalStateException("read BPF object " + path, e);
    }
  }

  /** The kernel's name of this machine's architecture. */
  public static String architecture() {
    String arch = System.getProperty("os.arch", "").toLowerCase(Locale.ROOT);
    return switch (arch) {
      case "amd64" -> "x86_64";
      default -> arch;
    };
  }
}
