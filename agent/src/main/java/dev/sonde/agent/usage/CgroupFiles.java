package dev.sonde.agent.usage;

import dev.sonde.agent.workload.ControllerMounts;
import dev.sonde.ffi.SmallFiles;
import java.nio.file.Path;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The files of one cgroup, in whichever hierarchies have them.
 *
 * <p>Opened once and kept open while {@link Budget} allows it: reading again is half the price of
 * opening again. A file that is not there is looked for {@value #TRIES} times, since a runtime
 * makes a container's cgroups one hierarchy after the other, and then no more. Owned by the
 * snapshot thread; close it, or descriptors leak.
 *
 * <p>Most cgroups of a node do nothing most of the time. One whose CPU time has not changed since
 * the last look was not throttled since, and its other files are read every {@value #IDLE_LOOKS}th
 * time only: a task may also wait for memory or a disk without using a CPU.
 *
 * <p>Source of the definitions: Documentation/admin-guide/cgroup-v2.rst and
 * cgroup-v1/{cpuacct,..}.rst, scheduler/sched-bwc.rst, accounting/psi.rst. Kernel floor of pressure
 * files: 4.20, where the kernel has PSI.
 */
final class CgroupFiles implements AutoCloseable {
  private static final byte[] USAGE_USEC = StatText.key("usage_usec");
  private static final byte[] NR_PERIODS = StatText.key("nr_periods");
  private static final byte[] NR_THROTTLED = StatText.key("nr_throttled");
  private static final byte[] THROTTLED_USEC = StatText.key("throttled_usec");
  private static final byte[] THROTTLED_TIME = StatText.key("throttled_time");

  private static final int MICRO = 1000;

  private static final int IDLE_LOOKS = 8;

  /**
   * How many files may be kept open, by all cgroups together: the CPU time's of all, before the
   * others of any.
   */
  static final class Budget {
    private final int ofOthers;
    private int left;

    Budget(int files) {
      left = files;
      ofOthers = files / 2;
    }

    boolean allows(boolean usage) {
      return left > (usage ? 0 : ofOthers);
    }
  }

  private static final int CPU_V1 = 0;
  private static final int CPUACCT_V1 = 1;
  private static final int CPU_V2 = 2;
  private static final int PRESSURE = 3;
  private static final int FILES = PRESSURE + Pressure.RESOURCES.length;

  private static final int TRIES = 10;

  /** A file that is not open; one less for each time that it was not there. */
  private static final int NOT_OPEN = -1;

  private static final int NOT_THERE = NOT_OPEN - TRIES;

  private final SmallFiles files;
  private final Budget budget;
  private final @Nullable String[] names = new String[FILES];
  private final int[] fds = new int[FILES];
  private long lastTime = StatText.ABSENT;
  private int idleLooks;
  private int reads;

  CgroupFiles(ControllerMounts mounts, String path, SmallFiles files, Budget budget) {
    this.files = files;
    this.budget = budget;
    names[CPU_V1] = name(mounts.cpu(), path, "cpu.stat");
    names[CPUACCT_V1] = name(mounts.cpuacct(), path, "cpuacct.usage");
    names[CPU_V2] = name(mounts.v2(), path, "cpu.stat");
    for (int r = 0; r < Pressure.RESOURCES.length; r++) {
      names[PRESSURE + r] = name(mounts.v2(), path, Pressure.RESOURCES[r] + ".pressure");
    }
    Arrays.fill(fds, NOT_OPEN);
  }

  private static @Nullable String name(@Nullable Path mount, String path, String file) {
    return mount == null ? null : mount + (path.equals("/") ? "" : path) + "/" + file;
  }

  /**
   * Reads what there is, or as much of it as may have changed.
   *
   * @param usage whether this cgroup's CPU time is wanted
   * @return how many files were read
   */
  int read(Readings out, boolean usage) {
    out.clear();
    reads = 0;
    int length = read(CPUACCT_V1);
    long time = length > 0 ? StatText.number(files.buffer(), length, 0) : StatText.ABSENT;
    // On a hybrid host only for what v1 did not say: its cpuacct may not have this cgroup.
    boolean fromV2 = time == StatText.ABSENT;
    if (fromV2) {
      length = read(CPU_V2);
      time = length > 0 ? StatText.value(files.buffer(), length, USAGE_USEC) : StatText.ABSENT;
    }
    if (usage) {
      out.set(Field.USAGE, time, fromV2 ? MICRO : 1);
    }
    if (time != StatText.ABSENT && time == lastTime && ++idleLooks < IDLE_LOOKS) {
      return reads;
    }
    lastTime = time;
    idleLooks = 0;
    if (fromV2 && length > 0) {
      throttling(out, length, THROTTLED_USEC, MICRO);
    }
    readThrottling(out, fromV2);
    for (int r = 0; r < Pressure.RESOURCES.length; r++) {
      length = read(PRESSURE + r);
      if (length > 0) {
        Pressure.parse(files.buffer(), length, r, out);
      }
    }
    return reads;
  }

  /** Of v1, where that has it. */
  private void readThrottling(Readings out, boolean v2WasRead) {
    int length = read(CPU_V1);
    if (length > 0) {
      throttling(out, length, THROTTLED_TIME, 1);
    } else if (!v2WasRead && (length = read(CPU_V2)) > 0) {
      throttling(out, length, THROTTLED_USEC, MICRO);
    }
  }

  private void throttling(Readings out, int length, byte[] time, int unit) {
    out.set(Field.PERIODS, StatText.value(files.buffer(), length, NR_PERIODS));
    out.set(Field.THROTTLED_PERIODS, StatText.value(files.buffer(), length, NR_THROTTLED));
    out.set(Field.THROTTLED, StatText.value(files.buffer(), length, time), unit);
  }

  /** How many bytes are in the buffer; 0 or less if there is nothing to read. */
  private int read(int file) {
    String name = names[file];
    if (name == null || fds[file] == NOT_THERE) {
      return 0;
    }
    reads++;
    if (fds[file] >= 0) {
      return files.read(fds[file], 0);
    }
    int fd = files.open(name);
    if (fd < 0) {
      fds[file]--;
      return 0;
    }
    int length = files.read(fd, 0);
    if (length <= 0) {
      files.close(fd);
      fds[file]--; // PSI that is switched off says EOPNOTSUPP
    } else if (budget.allows(file == CPUACCT_V1 || (file == CPU_V2 && names[CPUACCT_V1] == null))) {
      budget.left--;
      fds[file] = fd;
    } else {
      files.close(fd);
    }
    return length;
  }

  @Override
  public void close() {
    for (int i = 0; i < FILES; i++) {
      if (fds[i] >= 0) {
        files.close(fds[i]);
        budget.left++;
      }
      fds[i] = NOT_THERE;
    }
  }
}
