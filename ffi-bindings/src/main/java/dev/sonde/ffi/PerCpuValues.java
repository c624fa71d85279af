package dev.sonde.ffi;

import dev.sonde.ffi.internal.LibBpf;
import dev.sonde.ffi.internal.Native;
import java.lang.foreign.MemorySegment;

/**
 * How the values of a per-CPU map lie in memory: one copy for each <em>possible</em> CPU, online or
 * not, each rounded up to 8 bytes.
 *
 * {@snippet :
 * PerCpuValues each = PerCpuValues.of(map);
 * map.forEach((keys, key, values, value) -> bytes += each.sumLong(values, value, BYTES_OFFSET));
 * }
 *
 * @param stride bytes from one CPU's copy to the next
 * @param cpus number of copies
 */
public record PerCpuValues(long stride, int cpus) {
  /** The layout of this map's values. */
  public static PerCpuValues of(BpfMap map) {
    if (!map.isPerCpu()) {
      throw new IllegalArgumentException("map " + map.name() + " is not a per-CPU map");
    }
    return new PerCpuValues(stride(map.valueSize()), possibleCpus());
  }

  /** CPUs that the kernel could ever bring up, which per-CPU maps have copies for. */
  public static int possibleCpus() {
    return Holder.POSSIBLE;
  }

  /** Where {@code cpu}'s copy of the value at {@code value} starts. */
  public long offset(long value, int cpu) {
    return value + cpu * stride;
  }

  /** The sum over all CPUs of the u64 at {@code field} of the value at {@code value}. */
  public long sumLong(MemorySegment values, long value, long field) {
    long sum = 0;
    for (int cpu = 0; cpu < cpus; cpu++) {
      sum += Native.i64(values, value + cpu * stride + field);
    }
    return sum;
  }

  /** The sum over all CPUs of the u32 at {@code field} of the value at {@code value}. */
  public long sumInt(MemorySegment values, long value, long field) {
    long sum = 0;
    for (int cpu = 0; cpu < cpus; cpu++) {
      sum += Integer.toUnsignedLong(Native.i32(values, value + cpu * stride + field));
    }
    return sum;
  }

  static long stride(int valueSize) {
    return Native.roundUp(valueSize, 8);
  }

  /** Asked once: it reads a file, and the answer holds until reboot. */
  private static final class Holder {
    static final int POSSIBLE = read();

    private static int read() {
      Libbpf.require();
      int cpus = LibBpf.libbpf_num_possible_cpus();
      if (cpus <= 0) {
        throw new BpfException(
            "count CPUs in /sys/devices/system/cpu/possible", Errno.ofResult(cpus), "mount sysfs");
      }
      return cpus;
    }
  }
}
