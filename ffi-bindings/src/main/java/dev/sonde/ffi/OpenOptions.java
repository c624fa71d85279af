package dev.sonde.ffi;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * How to open an object.
 *
 * @param btf a file with the kernel's BTF for CO-RE relocations, for kernels that have none at
 *     {@code /sys/kernel/btf/vmlinux}; null for the kernel's own. It does not help {@code tp_btf},
 *     fentry and iterators, which need the kernel's own
 */
public record OpenOptions(@Nullable Path btf) {
  /** The kernel's own BTF. */
  public static OpenOptions none() {
    return new OpenOptions(null);
  }
}
