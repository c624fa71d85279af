package dev.sonde.agent.guest;

import java.util.List;

/**
 * One guest of the matrix.
 *
 * @param kernel the series, as {@code vmtest list} prints it
 * @param variant how it is booted
 * @param everyDay whether {@code make test} runs tier 2 there, too
 */
record Boot(String kernel, Variant variant, boolean everyDay) {
  /** The longest first: two run at a time, and the last should be a short one. */
  static final List<Boot> ALL =
      List.of(
          new Boot("5.10", Variant.PLAIN, true),
          new Boot("6.12", Variant.PLAIN, true),
          new Boot("7.2", Variant.PLAIN, false),
          new Boot("6.18", Variant.PLAIN, false),
          new Boot("6.1", Variant.PLAIN, false),
          new Boot("6.1", Variant.CGROUP_V1, false),
          new Boot("6.12-arm64", Variant.PLAIN, false),
          new Boot("6.12", Variant.INTEGRITY, false),
          new Boot("6.12", Variant.CONFIDENTIALITY, false));

  String name() {
    return kernel + variant.suffix();
  }

  /**
   * @param matrix {@code make matrix}: both tiers everywhere
   */
  boolean runs(Guest test, boolean matrix) {
    return List.of(test.kernels()).contains(kernel)
        && List.of(test.variants()).contains(variant)
        && (matrix || everyDay || test.tier() == 1);
  }
}
