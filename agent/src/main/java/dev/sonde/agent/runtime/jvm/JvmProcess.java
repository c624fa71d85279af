package dev.sonde.agent.runtime.jvm;

import dev.sonde.exporter.model.Workload;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * One live JVM: how it is read, whom it belongs to, and what was read last, so that only what is
 * new goes into its container's sums.
 *
 * <p>Not thread-safe: the snapshot thread owns it.
 */
final class JvmProcess {
  /** The first readings look up the owner each (it may still be on the move), later ones one in. */
  private static final int OWNER_READINGS = 10;

  /** A file that could not be read is tried at each of the first readings, later at one in. */
  private static final int OPEN_READINGS = 30;

  final int pid;
  final long startTime;
  final JvmCounters last = new JvmCounters();
  String cgroup;
  private final Path file;

  /** Null while it has no name. */
  @Nullable Workload owner;

  private @Nullable JvmReader reader;
  private int readings;

  JvmProcess(JvmDiscovery.Found found, String cgroup) {
    this.pid = found.pid();
    this.startTime = found.startTime();
    this.file = found.file();
    this.cgroup = cgroup;
  }

  /** Whether the next reading should ask again which cgroup it is in. */
  boolean ownerIsDue() {
    return isDue(OWNER_READINGS);
  }

  private boolean isDue(int every) {
    return readings < every || readings % every == 0;
  }

  /**
   * Reads its counters.
   *
   * @return by what they were read, or null if they cannot be read now
   * @throws NoSuchFileException if it does not map the file any more: it has ended
   */
  @Nullable JvmReader read(JvmCounters out) throws NoSuchFileException {
    boolean open = reader == null && isDue(OPEN_READINGS);
    readings++;
    try {
      if (open) {
        reader = HsperfReader.open(file);
      }
      if (reader != null) {
        reader.read(out);
      }
      return reader;
    } catch (NoSuchFileException e) {
      throw e;
    } catch (IOException | PerfData.FormatException e) {
      // Still starting, no permission, no descriptor free, or nonsense: the others go on.
      return null;
    }
  }
}
