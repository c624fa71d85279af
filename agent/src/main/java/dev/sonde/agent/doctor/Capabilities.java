package dev.sonde.agent.doctor;

import java.util.ArrayList;
import java.util.List;

/**
 * The effective capabilities of a process; capabilities(7).
 *
 * @param mask {@code CapEff} of {@code /proc/self/status}
 */
public record Capabilities(long mask) {
  private static final int SYS_ADMIN = 21;
  static final int SYS_RESOURCE = 24;
  private static final int PERFMON = 38;
  private static final int BPF = 39;
  private static final int CHECKPOINT_RESTORE = 40;

  /** Names by bit, from {@code linux/capability.h}. */
  private static final List<String> NAMES =
      List.of(
          "CHOWN",
          "DAC_OVERRIDE",
          "DAC_READ_SEARCH",
          "FOWNER",
          "FSETID",
          "KILL",
          "SETGID",
          "SETUID",
          "SETPCAP",
          "LINUX_IMMUTABLE",
          "NET_BIND_SERVICE",
          "NET_BROADCAST",
          "NET_ADMIN",
          "NET_RAW",
          "IPC_LOCK",
          "IPC_OWNER",
          "SYS_MODULE",
          "SYS_RAWIO",
          "SYS_CHROOT",
          "SYS_PTRACE",
          "SYS_PACCT",
          "SYS_ADMIN",
          "SYS_BOOT",
          "SYS_NICE",
          "SYS_RESOURCE",
          "SYS_TIME",
          "SYS_TTY_CONFIG",
          "MKNOD",
          "LEASE",
          "AUDIT_WRITE",
          "AUDIT_CONTROL",
          "SETFCAP",
          "MAC_OVERRIDE",
          "MAC_ADMIN",
          "SYSLOG",
          "WAKE_ALARM",
          "BLOCK_SUSPEND",
          "AUDIT_READ",
          "PERFMON",
          "BPF",
          "CHECKPOINT_RESTORE");

  /**
   * What a capability buys; the first two are needed, SYS_ADMIN stands in for both.
   *
   * @param loss what is lost without it
   */
  record Use(int bit, boolean required, String loss) {
    String name() {
      return "CAP_" + NAMES.get(bit);
    }
  }

  static final List<Use> USES =
      List.of(
          new Use(BPF, true, "no BPF program can be loaded"),
          new Use(PERFMON, true, "no tracing program can be loaded"),
          new Use(19, false, "/proc/P/maps of others stays closed: no JVM counters"),
          new Use(2, false, "files of other users stay closed: no JVM counters, no open files"),
          new Use(CHECKPOINT_RESTORE, false, "/proc/P/map_files stays closed: no JVM counters"),
          new Use(
              SYS_RESOURCE,
              false,
              "the limit on locked memory cannot be raised (it counts before 5.11)"));

  /** Those of this process; none if the file cannot be read. */
  static Capabilities of(HostFiles host) {
    return new Capabilities(
        host.status("CapEff").map(hex -> Long.parseUnsignedLong(hex, 16)).orElse(0L));
  }

  boolean has(int bit) {
    return (mask >>> bit & 1) == 1;
  }

  /** Held as such, or by SYS_ADMIN, which held them all before 5.8 and still does. */
  boolean grants(Use use) {
    boolean once = use.bit() == BPF || use.bit() == PERFMON || use.bit() == CHECKPOINT_RESTORE;
    return has(use.bit()) || (once && has(SYS_ADMIN));
  }

  /**
   * What is not held and is missed on this kernel.
   *
   * @param release the kernel's; from 5.11 on maps are charged to the memory cgroup (commit
   *     97306be45fbe), and SYS_RESOURCE is not missed
   */
  List<Use> missed(String release) {
    return USES.stream()
        .filter(u -> !grants(u))
        .filter(u -> u.bit() != SYS_RESOURCE || KernelFacts.isOlder(release, 5, 11))
        .toList();
  }

  /** The required ones that are missing. */
  List<String> missing() {
    return USES.stream().filter(u -> u.required() && !grants(u)).map(Use::name).toList();
  }

  /** All that are held, by name; bits newer than this table by number. */
  List<String> held() {
    List<String> names = new ArrayList<>();
    for (int bit = 0; bit < Long.SIZE; bit++) {
      if (has(bit)) {
        names.add("CAP_" + (bit < NAMES.size() ? NAMES.get(bit) : String.valueOf(bit)));
      }
    }
    return names;
  }

  /** {@code all 41}, {@code none}, {@code all but CAP_SYS_RESOURCE}, or their names. */
  String text() {
    List<String> held = held();
    int all = NAMES.size();
    if (held.isEmpty()) {
      return "none";
    }
    if (held.size() >= all) {
      return "all " + held.size();
    }
    if (held.size() >= all - 4) {
      List<String> missing = new ArrayList<>();
      for (int bit = 0; bit < all; bit++) {
        if (!has(bit)) {
          missing.add("CAP_" + NAMES.get(bit));
        }
      }
      return "all but " + String.join(", ", missing);
    }
    return String.join(", ", held);
  }
}
