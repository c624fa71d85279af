package dev.sonde.agent.runtime.jvm;

import dev.sonde.agent.host.Mount;
import dev.sonde.agent.host.ProcFs;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Finds the performance data file in a process' memory map.
 *
 * <pre>{@code
 * 7ff18a430000-7ff18a438000 rw-s 00000000 fe:00 2154512    /tmp/hsperfdata_root/11533
 * }</pre>
 *
 * <p>It is the process' own only if it is mapped for writing and called like the process' number in
 * its own pid namespace: {@code jstat} maps other JVMs' files for reading, and a child between fork
 * and exec still has its parent's.
 *
 * <p>A file on a network or FUSE file system is left alone: reading it could wait for a server,
 * maybe one in the pod, without limit.
 */
final class HsperfMapping {
  private static final Pattern LINE =
      Pattern.compile(
          "([0-9a-f]{1,16})-([0-9a-f]{1,16}) rw.s 0+ ([0-9a-f]{1,8}):([0-9a-f]{1,8}) \\d+ +"
              + "/.*hsperfdata_[^/]*/(\\d{1,10})(?: \\(deleted\\))?");

  /** {@code vm.max_map_count} (65,530) lines of 128 bytes; paths can be longer, JVMs' are not. */
  private static final int MAX_MAPS = 8 << 20;

  private static final int MAX_MOUNTS = 1 << 20;

  private static final Set<String> REMOTE =
      Set.of("nfs", "nfs4", "cifs", "smb3", "ceph", "9p", "afs", "lustre", "gfs2", "ocfs2");

  private HsperfMapping() {}

  /** {@code /proc/P/map_files/<range>} of the process' own file, null if it maps none. */
  static @Nullable Path find(ProcFs proc, int pid) {
    Matcher m = ownLine(proc, pid);
    if (m == null || isRemote(proc, pid, m.group(3), m.group(4))) {
      return null;
    }
    // map_files has no leading zeros, maps pads to eight digits.
    String range = plain(m.group(1)) + "-" + plain(m.group(2));
    return proc.file(pid, "map_files").resolve(range);
  }

  private static @Nullable Matcher ownLine(ProcFs proc, int pid) {
    int own = 0;
    try (InputStream in = Files.newInputStream(proc.file(pid, "maps"));
        BufferedReader lines =
            new BufferedReader(new InputStreamReader(in, StandardCharsets.ISO_8859_1))) {
      int read = 0;
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        read += line.length();
        if (read > MAX_MAPS) {
          return null;
        }
        Matcher m = line.contains("/hsperfdata_") ? match(line) : null;
        if (m != null) {
          own = own == 0 ? proc.innermostPid(pid) : own;
          if (m.group(5).equals(Integer.toString(own))) {
            return m;
          }
        }
      }
    } catch (IOException e) {
      // Gone, or not ours to look at.
      return null;
    }
    return null;
  }

  static @Nullable Matcher match(String line) {
    Matcher m = LINE.matcher(line);
    return m.matches() ? m : null;
  }

  private static String plain(String hex) {
    return Long.toHexString(Long.parseUnsignedLong(hex, 16));
  }

  private static boolean isRemote(ProcFs proc, int pid, String majorHex, String minorHex) {
    String device =
        Integer.parseUnsignedInt(majorHex, 16) + ":" + Integer.parseUnsignedInt(minorHex, 16);
    String mounts = proc.text(pid, "mountinfo", MAX_MOUNTS);
    if (mounts == null) {
      return false;
    }
    for (Mount m : Mount.parse(mounts)) {
      if (m.device().equals(device)) {
        return m.type().startsWith("fuse") || REMOTE.contains(m.type());
      }
    }
    return false;
  }
}
