package dev.sonde.agent.doctor;

import dev.sonde.agent.config.Config;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.util.List;
import java.util.Locale;

/** The kernel: its release, its types, its architecture. */
final class KernelFacts {
  private static final int AT_PAGESZ = 6;

  private KernelFacts() {}

  static List<Fact> of(Config config, HostFiles host) {
    return List.of(release(host), architecture(), pageSize(host), btf(config, host));
  }

  private static Fact release(HostFiles host) {
    String release = host.release();
    boolean old = isOlder(release, 5, 10);
    Fact fact =
        Fact.of("kernel.release", "release", old ? Status.WARN : Status.OK, release)
            .because("Sonde is made for 5.10 and later");
    return old ? fact.remedy("run a newer kernel; nothing below 5.10 is tested") : fact;
  }

  /** Whether {@code release} is before {@code major.minor}; what cannot be read is not. */
  static boolean isOlder(String release, int major, int minor) {
    String[] parts = release.split("[.+-]");
    try {
      int hasMajor = Integer.parseInt(parts[0]);
      int hasMinor = parts.length > 1 ? Integer.parseInt(parts[1]) : 0;
      return hasMajor < major || (hasMajor == major && hasMinor < minor);
    } catch (NumberFormatException e) {
      return false;
    }
  }

  private static Fact architecture() {
    String arch = System.getProperty("os.arch", "unknown").toLowerCase(Locale.ROOT);
    boolean known = arch.equals("amd64") || arch.equals("aarch64");
    Fact fact =
        Fact.of("kernel.architecture", "architecture", known ? Status.OK : Status.FAIL, arch);
    return known ? fact : fact.because("BPF objects are shipped for amd64 and aarch64 only");
  }

  /** From the auxiliary vector, getauxval(3): the JDK has no public way to ask. */
  private static Fact pageSize(HostFiles host) {
    try {
      ByteBuffer vector =
          ByteBuffer.wrap(Files.readAllBytes(host.path("/proc/self/auxv")))
              .order(ByteOrder.nativeOrder());
      while (vector.remaining() >= 16) {
        long key = vector.getLong();
        long value = vector.getLong();
        if (key == AT_PAGESZ) {
          return Fact.of("kernel.page_size", "page size", Status.INFO, value + " bytes");
        }
      }
    } catch (IOException e) {
      // Falls through: said below.
    }
    return Fact.of("kernel.page_size", "page size", Status.UNKNOWN, "unknown");
  }

  private static Fact btf(Config config, HostFiles host) {
    return switch (Preflight.btf(config, host)) {
      case BtfFile.Usable good ->
          Fact.of("kernel.btf", "BTF", Status.OK, good.file().toString())
              .because(good.format() + ", " + good.bytes() / 1024 + " KiB");
      case BtfFile.Unusable bad ->
          Fact.of("kernel.btf", "BTF", Status.FAIL, bad.file() + ": " + bad.reason())
              .remedy(new StartFailure.NoBtf("", "").remedy());
    };
  }
}
