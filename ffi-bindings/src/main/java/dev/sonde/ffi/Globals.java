package dev.sonde.ffi;

import dev.sonde.ffi.btf.Btf;
import dev.sonde.ffi.btf.BtfType;
import dev.sonde.ffi.internal.LibBpf;
import dev.sonde.ffi.internal.Memory;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Map;
import java.util.TreeMap;

/**
 * The global variables of an object before load: libbpf keeps the first bytes of each data section
 * in memory that may be written until then.
 */
final class Globals {
  /** A variable: its section's name, offset and size. */
  private record Variable(String section, long offset, long size) {}

  private final String objectName;
  private final MemorySegment object;
  private final Map<String, Variable> variables = new TreeMap<>();

  private Globals(String objectName, MemorySegment object, Btf btf) {
    this.objectName = objectName;
    this.object = object;
    for (BtfType type : btf.types()) {
      if (type instanceof BtfType.DataSection section && isData(section.name())) {
        for (BtfType.SectionVariable v : section.variables()) {
          if (btf.type(v.type()) instanceof BtfType.Variable variable) {
            variables.put(variable.name(), new Variable(section.name(), v.offset(), v.size()));
          }
        }
      }
    }
  }

  /** Reads the object's BTF from libbpf, which fills in the offsets that the compiler leaves 0. */
  static Globals of(String objectName, MemorySegment object) {
    MemorySegment btf = LibBpf.bpf_object__btf(object);
    if (btf.address() == 0) {
      return new Globals(objectName, object, Btf.empty());
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment size = arena.allocate(ValueLayout.JAVA_INT);
      MemorySegment raw = LibBpf.btf__raw_data(btf, size);
      byte[] bytes =
          Memory.unchecked(raw, Integer.toUnsignedLong(size.get(ValueLayout.JAVA_INT, 0)))
              .toArray(ValueLayout.JAVA_BYTE);
      return new Globals(objectName, object, Btf.parse(bytes));
    }
  }

  void set(String name, long value) {
    Variable variable = variables.get(name);
    if (variable == null) {
      throw new IllegalArgumentException(
          "no global variable %s in BPF object %s; it has %s"
              .formatted(name, objectName, variables.keySet()));
    }
    requireFits(name, variable, value);
    MemorySegment section = section(variable.section());
    long at = variable.offset();
    switch ((int) variable.size()) {
      case 1 -> section.set(ValueLayout.JAVA_BYTE, at, (byte) value);
      case 2 -> section.set(ValueLayout.JAVA_SHORT_UNALIGNED, at, (short) value);
      case 4 -> section.set(ValueLayout.JAVA_INT_UNALIGNED, at, (int) value);
      default -> section.set(ValueLayout.JAVA_LONG_UNALIGNED, at, value);
    }
  }

  private void requireFits(String name, Variable variable, long value) {
    long size = variable.size();
    if (size != 1 && size != 2 && size != 4 && size != 8) {
      throw new IllegalArgumentException(
          "global variable %s of BPF object %s has %d bytes; only integers of 1, 2, 4 or 8 bytes can be set"
              .formatted(name, objectName, size));
    }
    long bits = size * 8;
    if (size < 8 && (value < -(1L << (bits - 1)) || value >= 1L << bits)) {
      throw new IllegalArgumentException(
          "%d does not fit global variable %s of BPF object %s, which has %d bits"
              .formatted(value, name, objectName, bits));
    }
  }

  private MemorySegment section(String name) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment map = LibBpf.bpf_object__find_map_by_name(object, arena.allocateFrom(name));
      MemorySegment size = arena.allocate(ValueLayout.JAVA_LONG);
      MemorySegment bytes = map.address() == 0 ? map : LibBpf.bpf_map__initial_value(map, size);
      if (bytes.address() == 0) {
        throw new IllegalStateException(
            "BPF object %s has no bytes for its section %s".formatted(objectName, name));
      }
      return Memory.unchecked(bytes, size.get(ValueLayout.JAVA_LONG, 0));
    }
  }

  private static boolean isData(String section) {
    return section.startsWith(".rodata") || section.startsWith(".data") || section.equals(".bss");
  }
}
