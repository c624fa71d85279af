package dev.sonde.agent.runtime.jvm;

import dev.sonde.agent.workload.LabelValue;

/**
 * What a JVM is: the labels of {@code sonde_jvm_info}.
 *
 * @param version {@code java.version}, for example {@code 25.0.3}
 * @param vendor {@code java.vm.vendor}, for example {@code Eclipse Adoptium}
 * @param gc {@code g1}, {@code parallel}, {@code serial}, {@code z}, {@code shenandoah} or {@code
 *     other}
 */
record JvmIdentity(String version, String vendor, String gc) {
  private static final int MAX_BYTES = 64;

  /** Stands for the JVMs of a container that has too many kinds of them. */
  static final JvmIdentity OTHER = new JvmIdentity("~other", "~other", "~other");

  /** Whatever a pod wrote becomes a short, clean label. */
  JvmIdentity {
    version = LabelValue.clean(version, MAX_BYTES);
    vendor = LabelValue.clean(vendor, MAX_BYTES);
  }
}
