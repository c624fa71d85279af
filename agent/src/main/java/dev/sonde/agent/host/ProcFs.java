package dev.sonde.agent.host;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The few files of {@code /proc/P} that Sonde reads, with a limit on each.
 *
 * <p>Processes end at any time: what cannot be read is null, not an exception. Any thread.
 *
 * @param root {@code /proc}, or where the host's is mounted
 */
public record ProcFs(Path root) {
  /** Longer than any file read here but for {@code maps} and {@code mountinfo}. */
  private static final int SHORT = 16 * 1024;

  /** 52 numbers and a name; read at every snapshot, so with a small buffer. */
  private static final int STAT = 1024;

  /** {@code /proc}. */
  public static ProcFs host() {
    return new ProcFs(Path.of("/proc"));
  }

  /** Every process, in no order. Empty if {@code /proc} cannot be listed. */
  public int[] pids() {
    String[] names = new File(root.toString()).list();
    if (names == null) {
      return new int[0];
    }
    int[] pids = new int[names.length];
    int n = 0;
    for (String name : names) {
      int pid = parsePid(name);
      if (pid > 0) {
        pids[n++] = pid;
      }
    }
    return Arrays.copyOf(pids, n);
  }

  private static int parsePid(String name) {
    int pid = 0;
    for (int i = 0; i < name.length(); i++) {
      int digit = name.charAt(i) - '0';
      if (digit < 0 || digit > 9 || pid > Integer.MAX_VALUE / 10 - 1) {
        return -1;
      }
      pid = pid * 10 + digit;
    }
    return pid;
  }

  /** A file of process {@code pid}. */
  public Path file(int pid, String name) {
    return root.resolve(Integer.toString(pid)).resolve(name);
  }

  /**
   * When the process was started, in clock ticks after boot: with the pid, what tells two processes
   * apart. -1 if it is gone. Field 22 of proc_pid_stat(5); exec does not change it.
   */
  public long startTime(int pid) {
    String stat = text(pid, "stat", STAT);
    return stat == null ? -1 : startTime(stat);
  }

  static long startTime(String stat) {
    // The second field is the command's name, which may hold anything, parentheses included.
    int name = stat.lastIndexOf(')');
    String[] rest = stat.substring(name + 1).trim().split(" ");
    try {
      return rest.length > 19 ? Long.parseLong(rest[19]) : -1;
    } catch (NumberFormatException e) {
      return -1;
    }
  }

  /** What it runs; null for a kernel thread or a process that is gone. Changes at exec. */
  public @Nullable String executable(int pid) {
    try {
      return Files.readSymbolicLink(file(pid, "exe")).toString();
    } catch (IOException e) {
      return null;
    }
  }

  /** Its number in its own pid namespace, -1 if it is gone. */
  public int innermostPid(int pid) {
    String status = text(pid, "status", SHORT);
    if (status == null) {
      return -1;
    }
    for (String line : status.split("\n")) {
      if (line.startsWith("NSpid:")) {
        return parsePid(line.substring(line.lastIndexOf('\t') + 1).trim());
      }
    }
    // Without pid namespaces in the kernel there is only one number.
    return pid;
  }

  /** The text of {@code /proc/P/cgroup}, null if it is gone. */
  public @Nullable String cgroup(int pid) {
    return text(pid, "cgroup", SHORT);
  }

  /** At most {@code limit} bytes of a file, null if the process is gone or may not be looked at. */
  public @Nullable String text(int pid, String name, int limit) {
    try (InputStream in = Files.newInputStream(file(pid, name))) {
      return new String(in.readNBytes(limit), StandardCharsets.UTF_8);
    } catch (IOException e) {
      return null;
    }
  }
}
