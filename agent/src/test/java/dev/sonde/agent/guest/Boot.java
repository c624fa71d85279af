package dev.sonde.agent.guest;

import java.util.List;

/**
 * One guest of the matrix.
 *
 * @param kernel the series, as {@code vmtest list} prints it
 * @param variant how it is booted
 * @param everyDay the highest tier that {@code make test} runs there
 */
record Boot(String kernel, Variant variant, int everyDay) {
  /** The longest first: two run at a time, and the last should be a short one. */
  static final List<Boot> ALL =
      List.of(
          new Boot("5.10", Variant.PLAIN, 2),
          new Boot("6.12", Variant.PLAIN, 2),
          new Boot("7.2", Variant.PLAIN, 1),
          new Boot("6.18", Variant.PLAIN, 1),
          new Boot("6.1", Variant.PLAIN, 1),
          new Boot("6.1", Variant.CGROUP_V1, 1),
          new Boot("6.12-arm64", Variant.PLAIN, 1),
          // of this, make test sees what a host refuses that is locked down itself
          new Boot("6.12", Variant.INTEGRITY, 0),
          new Boot("6.12", Variant.CONFIDENTIALITY, 1));

  String name() {
    return kernel + variant.suffix();
  }

  /**
   * @param matrix {@code make matrix}: both tiers everywhere
   */
  boolean runs(Guest test, boolean matrix) {
    return List.of(test.kernels()).contains(kernel)
        && List.of(test.variants()).contains(variant)
        && (matrix || test.tier() <= everyDay);
  }
}
