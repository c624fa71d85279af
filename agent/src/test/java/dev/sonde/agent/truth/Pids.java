package dev.sonde.agent.truth;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Supplier;

/** Processes with a pid that the test chooses: {@code ns_last_pid}, proc_sys_kernel(5). */
final class Pids {
  private static final Path LAST = Path.of("/proc/sys/kernel/ns_last_pid");
  private static final int TRIES = 200;

  private Pids() {}

  static boolean canBeChosen() {
    return Files.isWritable(LAST);
  }

  /**
   * Starts workers until one has this pid, for others start processes, too; the rest are ended.
   *
   * @throws AssertionError somebody else has this pid
   */
  static Worker start(long pid, Supplier<Worker> start) throws IOException {
    for (int i = 0; i < TRIES; i++) {
      Files.writeString(LAST, Long.toString(pid - 1));
      Worker worker = start.get();
      if (worker.pid() == pid) {
        return worker;
      }
      worker.end();
    }
    throw new AssertionError("no process with pid " + pid + " in " + TRIES + " tries");
  }
}
