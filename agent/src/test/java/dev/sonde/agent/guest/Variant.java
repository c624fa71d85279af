package dev.sonde.agent.guest;

import java.util.List;

/** How a guest's kernel is booted. */
public enum Variant {
  /** Cgroup v2 alone, no lockdown. */
  PLAIN,
  CGROUP_V1,
  /** As with Secure Boot on most distributions. */
  INTEGRITY,
  CONFIDENTIALITY;

  /** What a boot of it is called after its kernel. */
  String suffix() {
    return switch (this) {
      case PLAIN -> "";
      case CGROUP_V1 -> "-cgroup-v1";
      case INTEGRITY -> "-lockdown-integrity";
      case CONFIDENTIALITY -> "-lockdown-confidentiality";
    };
  }

  /** Of {@code vmtest run}. */
  List<String> options() {
    return switch (this) {
      case PLAIN -> List.of();
      case CGROUP_V1 -> List.of("--cgroup", "v1");
      case INTEGRITY -> List.of("--lockdown", "integrity");
      case CONFIDENTIALITY -> List.of("--lockdown", "confidentiality");
    };
  }
}
