package dev.sonde.ffi.btf;

import java.util.List;

/**
 * A type of a BTF section, as far as layouts need it. References between types are ids: the index
 * in {@link Btf#types}, 0 for void.
 */
public sealed interface BtfType {
  /** The C name; empty for anonymous types. */
  String name();

  /** {@code void}, id 0. */
  record NoType() implements BtfType {
    @Override
    public String name() {
      return "void";
    }
  }

  /** An integer of {@code size} bytes. */
  record Int(String name, int size, boolean signed, boolean bool) implements BtfType {}

  /** A pointer; 8 bytes in BPF. */
  record Pointer(int target) implements BtfType {
    @Override
    public String name() {
      return "";
    }
  }

  /** {@code count} elements. */
  record Array(int element, long count) implements BtfType {
    @Override
    public String name() {
      return "";
    }
  }

  /** A struct, or a union if {@code union}. */
  record Struct(String name, long size, boolean union, List<Member> members) implements BtfType {}

  /**
   * A member.
   *
   * @param bitOffset from the start of the struct
   * @param bitWidth of a bit field; 0 for an ordinary member
   */
  record Member(String name, int type, long bitOffset, int bitWidth) {}

  /** An enum of 1 to 8 bytes. */
  record Enumeration(String name, int size, boolean signed) implements BtfType {}

  /** typedef, const, volatile, restrict or a type tag: another name for {@code target}. */
  record Alias(String name, int target) implements BtfType {}

  /** A global variable. */
  record Variable(String name, int type) implements BtfType {}

  /** A section of global variables, such as {@code .rodata}. */
  record DataSection(String name, long size, List<SectionVariable> variables) implements BtfType {}

  /** Where a variable lies; offsets are 0 in a compiled file until libbpf has opened it. */
  record SectionVariable(int type, long offset, long size) {}

  /** Kinds that layouts do not need: functions, forwards, floats, tags. */
  record Other(String name, int kind) implements BtfType {}
}
