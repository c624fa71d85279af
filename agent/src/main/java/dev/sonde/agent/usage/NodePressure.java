package dev.sonde.agent.usage;

import dev.sonde.agent.host.ProcFs;
import dev.sonde.ffi.SmallFiles;

/** Pressure on the node as a whole: {@code /proc/pressure}. Kernel floor 4.20, with PSI on. */
final class NodePressure {
  private final String[] names = new String[Pressure.RESOURCES.length];
  private final SmallFiles files;
  private final Readings readings = new Readings();

  NodePressure(ProcFs proc, SmallFiles files) {
    this.files = files;
    for (int r = 0; r < names.length; r++) {
      names[r] = proc.root() + "/pressure/" + Pressure.RESOURCES[r];
    }
  }

  /** What they say now; the same object each time. */
  Readings read() {
    for (int r = 0; r < names.length; r++) {
      int length = files.read(names[r]);
      // "full" of the CPU means nothing for a whole node: the kernel writes a 0 there (5.13)
      Pressure.parse(files.buffer(), Math.max(length, 0), r, readings);
    }
    return readings;
  }
}
