package dev.sonde.agent.truth;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** What this machine can grant to a container: nobody grants what they have not. */
final class Capable {
  private static final int SYS_RESOURCE = 24;

  private Capable() {}

  /** Takes out of a bundle what a machine that is itself a container may lack. */
  static DeployBundle ofThisHost(DeployBundle bundle) {
    return has(SYS_RESOURCE) ? bundle : bundle.without("SYS_RESOURCE");
  }

  private static boolean has(int bit) {
    try {
      for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
        if (line.startsWith("CapBnd:")) {
          return (Long.parseUnsignedLong(line.substring(7).strip(), 16) >>> bit & 1) == 1;
        }
      }
    } catch (IOException e) {
      throw new AssertionError(e);
    }
    throw new AssertionError("no CapBnd in /proc/self/status");
  }
}
