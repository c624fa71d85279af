package dev.sonde.ffi;

import java.util.Locale;

/** The kernel's lockdown mode; kernel_lockdown(7). */
public enum Lockdown {
  /** Off. */
  NONE,
  /** Nobody may change the running kernel: fentry and kprobes may be refused. */
  INTEGRITY,
  /** Nobody may read kernel memory either: tracing programs are refused. */
  CONFIDENTIALITY,
  /** securityfs is not mounted, or the kernel has no lockdown. */
  UNKNOWN;

  /** The chosen word of {@code none [integrity] confidentiality}. */
  static Lockdown parse(String text) {
    for (Lockdown mode : values()) {
      if (text.contains("[" + mode.kernelName() + "]")) {
        return mode;
      }
    }
    return UNKNOWN;
  }

  /** The kernel's word. */
  public String kernelName() {
    return name().toLowerCase(Locale.ROOT);
  }
}
