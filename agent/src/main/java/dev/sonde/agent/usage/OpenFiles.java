package dev.sonde.agent.usage;

import dev.sonde.agent.host.ProcFs;
import dev.sonde.agent.pipeline.SnapshotBuilder;
import dev.sonde.exporter.model.Workload;
import dev.sonde.ffi.SmallFiles;
import java.io.File;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * How near each workload is to running out of descriptors.
 *
 * <p>The limit is each process' own, so that a sum over processes would say nothing: the two gauges
 * are those of the one process whose share of its limit is the largest. It counts the descriptors
 * of the process' first thread, which almost always shares them with the others, and takes the soft
 * limit, at which open(2) fails.
 *
 * <p>Source of the definition: proc_pid_fd(5), proc_pid_limits(5). From 6.2 on (f1f1f2569901) the
 * directory's size is the number of descriptors; before that it is listed. Needs CAP_SYS_PTRACE for
 * other users' processes: one that may not be looked at is left out.
 */
final class OpenFiles {
  static final byte[] LIMIT = StatText.key("Max open files");

  private final ProcFs proc;
  private final Path mount;
  private final SmallFiles files;
  private final boolean sizeIsCount;
  private int[] pids = new int[64];

  OpenFiles(ProcFs proc, Path mount, SmallFiles files) {
    this.proc = proc;
    this.mount = mount;
    this.files = files;
    this.sizeIsCount = isSizeTheCount(new File(proc.root() + "/self/fd"));
  }

  /** Up to the one descriptor that the listing itself needs. */
  private static boolean isSizeTheCount(File own) {
    String[] names = own.list();
    return names != null && own.length() > 0 && Math.abs(own.length() - names.length) <= 1;
  }

  /** Looks at the processes that are directly in {@code c}; how many. */
  int look(Cgroup c) {
    int n = processes(c.path);
    c.openFiles = 0;
    c.openFilesLimit = 0;
    for (int i = 0; i < n; i++) {
      String directory = proc.root() + "/" + pids[i];
      long open = count(directory + "/fd");
      int length = open < 0 ? 0 : files.read(directory + "/limits");
      long limit = length <= 0 ? StatText.ABSENT : StatText.value(files.buffer(), length, LIMIT);
      if (limit > 0 && isNearer(open, limit, c)) {
        c.openFiles = open;
        c.openFilesLimit = limit;
      }
    }
    return n;
  }

  private static boolean isNearer(long open, long limit, Cgroup c) {
    return c.openFilesLimit == 0 || (double) open / limit > (double) c.openFiles / c.openFilesLimit;
  }

  private long count(String directory) {
    File fds = new File(directory);
    if (sizeIsCount) {
      // 0 may also mean that it is gone: then it has no limits either
      return fds.length();
    }
    String[] names = fds.list();
    return names == null ? -1 : names.length;
  }

  /** Fills {@link #pids} from cgroup.procs; 0 stands for a process of another pid namespace. */
  private int processes(String path) {
    int fd = files.open(mount + path + "/cgroup.procs");
    if (fd < 0) {
      return 0;
    }
    int n = 0;
    int pid = 0;
    long offset = 0;
    for (int length; (length = files.read(fd, offset)) > 0; offset += length) {
      for (int i = 0; i < length; i++) {
        byte b = files.buffer().get(ValueLayout.JAVA_BYTE, i);
        if (b >= '0' && b <= '9') {
          pid = pid * 10 + (b - '0');
        } else if (pid > 0) {
          if (n == pids.length) {
            pids = Arrays.copyOf(pids, 2 * n);
          }
          pids[n++] = pid;
          pid = 0;
        }
      }
    }
    files.close(fd);
    return n;
  }

  /** A workload may have several cgroups: its nearest process is the nearest of theirs. */
  void emit(SnapshotBuilder out, List<Cgroup> live) {
    Map<Workload, Cgroup> nearest = new LinkedHashMap<>();
    for (Cgroup c : live) {
      if (c.openFilesLimit > 0) {
        nearest.merge(
            c.totals.owner, c, (a, b) -> isNearer(b.openFiles, b.openFilesLimit, a) ? b : a);
      }
    }
    nearest.forEach(
        (owner, c) -> {
          out.add(UsageMetrics.OPEN_FILES, owner, c.openFiles);
          out.add(UsageMetrics.OPEN_FILES_LIMIT, owner, c.openFilesLimit);
        });
  }
}
