package dev.sonde.agent.host;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * One line of {@code /proc/P/mountinfo}.
 *
 * <pre>{@code
 * 32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu
 * }</pre>
 *
 * <p>Source: proc_pid_mountinfo(5). Space, tab, newline and backslash are written there as {@code
 * \040}, {@code \011}, {@code \012} and {@code \134}.
 *
 * @param device {@code major:minor} of the file system, the same for every mount of it
 * @param root which directory of the file system is mounted; for a cgroup file system seen from a
 *     cgroup namespace of one's own, relative to that namespace's root ({@code /../..})
 * @param point where it is mounted, as this process sees it
 * @param type {@code cgroup}, {@code cgroup2}, {@code tmpfs}, {@code fuse.sshfs} …
 * @param superOptions options of the file system: a v1 hierarchy's controllers are among them
 */
public record Mount(
    String device, String root, String point, String type, List<String> superOptions) {
  public Mount {
    superOptions = List.copyOf(superOptions);
  }

  /**
   * All mounts in {@code mountinfo}, in the kernel's order: a later one may hide an earlier one.
   *
   * <p>Lines that cannot be understood are left out.
   */
  public static List<Mount> read(Path mountinfo) throws IOException {
    // A mount point may hold any byte; one that is no UTF-8 must not make the others unreadable.
    String text = new String(Files.readAllBytes(mountinfo), StandardCharsets.UTF_8);
    return parse(text);
  }

  /** As {@link #read}, of text read before. */
  public static List<Mount> parse(String text) {
    List<Mount> mounts = new ArrayList<>();
    for (String line : text.split("\n")) {
      String[] f = line.split(" ");
      int dash = separator(f);
      if (dash < 0 || dash + 3 >= f.length) {
        continue;
      }
      mounts.add(
          new Mount(
              f[2], unescape(f[3]), unescape(f[4]), f[dash + 1], List.of(f[dash + 3].split(","))));
    }
    return mounts;
  }

  /** The optional fields between the mount options and this have no fixed number. */
  private static int separator(String[] fields) {
    for (int i = 6; i < fields.length; i++) {
      if (fields[i].equals("-")) {
        return i;
      }
    }
    return -1;
  }

  /** Turns {@code \ooo} into the byte it stands for. */
  static String unescape(String s) {
    int backslash = s.indexOf('\\');
    if (backslash < 0) {
      return s;
    }
    StringBuilder out = new StringBuilder(s.length()).append(s, 0, backslash);
    for (int i = backslash; i < s.length(); i++) {
      char c = s.charAt(i);
      if (c == '\\' && octal(s, i + 1) >= 0) {
        out.append((char) octal(s, i + 1));
        i += 3;
      } else {
        out.append(c);
      }
    }
    return out.toString();
  }

  private static int octal(String s, int from) {
    if (from + 3 > s.length()) {
      return -1;
    }
    int value = 0;
    for (int i = from; i < from + 3; i++) {
      int digit = s.charAt(i) - '0';
      if (digit < 0 || digit > 7) {
        return -1;
      }
      value = value * 8 + digit;
    }
    // The kernel escapes ASCII only.
    return value < 128 ? value : -1;
  }
}
