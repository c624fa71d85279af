package dev.sonde.agent.truth;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Time that a hypervisor took from a CPU, proc(5) {@code /proc/stat}; 0 on bare metal. */
final class StolenTime {
  /** {@code USER_HZ}: what one step of the figure is, in seconds. */
  static final double TICK = 0.01;

  private static final int STEAL_FIELD = 8;

  private StolenTime() {}

  static double seconds(int cpu) {
    try {
      for (String line : Files.readAllLines(Path.of("/proc/stat"))) {
        String[] fields = line.split(" ");
        if (fields[0].equals("cpu" + cpu)) {
          return Long.parseLong(fields[STEAL_FIELD]) * TICK;
        }
      }
    } catch (IOException e) {
      throw new AssertionError("read /proc/stat", e);
    }
    throw new AssertionError("no CPU " + cpu + " in /proc/stat");
  }
}
