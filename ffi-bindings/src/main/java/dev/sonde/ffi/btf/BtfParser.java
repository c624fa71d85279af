package dev.sonde.ffi.btf;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * One pass over a BTF section. It trusts nothing: every count is held against the bytes that are
 * there before anything is allocated for it.
 */
final class BtfParser {
  private static final int MAGIC = 0xeB9F;
  private static final int HEADER = 24;

  // enum of btf.h
  private static final int INT = 1;
  private static final int PTR = 2;
  private static final int ARRAY = 3;
  private static final int STRUCT = 4;
  private static final int UNION = 5;
  private static final int ENUM = 6;
  private static final int FWD = 7;
  private static final int TYPEDEF = 8;
  private static final int VOLATILE = 9;
  private static final int CONST = 10;
  private static final int RESTRICT = 11;
  private static final int FUNC = 12;
  private static final int FUNC_PROTO = 13;
  private static final int VAR = 14;
  private static final int DATASEC = 15;
  private static final int FLOAT = 16;
  private static final int DECL_TAG = 17;
  private static final int TYPE_TAG = 18;
  private static final int ENUM64 = 19;

  private static final int INT_SIGNED = 1;
  private static final int INT_BOOL = 4;

  private final byte[] section;
  private final ByteBuffer in;
  private final int stringsStart;
  private final int stringsEnd;

  BtfParser(byte[] section) {
    if (section.length < HEADER) {
      throw new BtfException("BTF of %d bytes has no header".formatted(section.length));
    }
    ByteBuffer all = ByteBuffer.wrap(section).order(ByteOrder.LITTLE_ENDIAN);
    int magic = Short.toUnsignedInt(all.getShort(0));
    if (magic != MAGIC) {
      throw new BtfException("BTF magic is %#x, not %#x".formatted(magic, MAGIC));
    }
    if (all.get(2) != 1) {
      throw new BtfException("BTF version %d is unknown".formatted(all.get(2)));
    }
    long header = Integer.toUnsignedLong(all.getInt(4));
    long types = header + Integer.toUnsignedLong(all.getInt(8));
    long typesEnd = types + Integer.toUnsignedLong(all.getInt(12));
    long strings = header + Integer.toUnsignedLong(all.getInt(16));
    long end = strings + Integer.toUnsignedLong(all.getInt(20));
    if (header < HEADER || typesEnd > section.length || end > section.length) {
      throw new BtfException(
          "BTF header points behind its %d bytes: types end at %d, strings at %d"
              .formatted(section.length, typesEnd, end));
    }
    if (end > strings && section[(int) end - 1] != 0) {
      throw new BtfException("BTF strings do not end with NUL");
    }
    this.section = section;
    stringsStart = (int) strings;
    stringsEnd = (int) end;
    all.position((int) types).limit((int) typesEnd);
    in = all;
  }

  Btf parse() {
    List<BtfType> types = new ArrayList<>();
    types.add(new BtfType.NoType());
    while (in.hasRemaining()) {
      types.add(type(types.size()));
    }
    return new Btf(types);
  }

  private BtfType type(int id) {
    need(id, 12);
    String name = string(id, in.getInt());
    int info = in.getInt();
    int sizeOrType = in.getInt();
    int count = info & 0xffff;
    int kind = info >>> 24 & 0x1f;
    boolean flag = info < 0;
    return switch (kind) {
      case INT -> integer(id, name, sizeOrType);
      case PTR -> new BtfType.Pointer(sizeOrType);
      case ARRAY -> array(id);
      case STRUCT, UNION -> struct(id, name, sizeOrType, kind == UNION, count, flag);
      case ENUM -> enumeration(id, name, sizeOrType, count, 8, flag);
      case ENUM64 -> enumeration(id, name, sizeOrType, count, 12, flag);
      case TYPEDEF, VOLATILE, CONST, RESTRICT, TYPE_TAG -> new BtfType.Alias(name, sizeOrType);
      case VAR -> {
        skip(id, 4);
        yield new BtfType.Variable(name, sizeOrType);
      }
      case DATASEC -> dataSection(id, name, sizeOrType, count);
      case FUNC_PROTO -> {
        skip(id, 8L * count);
        yield new BtfType.Other(name, kind);
      }
      case DECL_TAG -> {
        skip(id, 4);
        yield new BtfType.Other(name, kind);
      }
      case FWD, FUNC, FLOAT -> new BtfType.Other(name, kind);
      // Its length is unknown, so nothing behind it can be found.
      default -> throw new BtfException("type id %d has the unknown kind %d".formatted(id, kind));
    };
  }

  private BtfType integer(int id, String name, int size) {
    need(id, 4);
    int encoding = in.getInt() >>> 24 & 0xf;
    if (size < 1 || size > 16) {
      throw new BtfException("type id %d is an integer of %d bytes".formatted(id, size));
    }
    return new BtfType.Int(name, size, (encoding & INT_SIGNED) != 0, (encoding & INT_BOOL) != 0);
  }

  private BtfType array(int id) {
    need(id, 12);
    int element = in.getInt();
    in.getInt(); // the index type
    return new BtfType.Array(element, Integer.toUnsignedLong(in.getInt()));
  }

  private BtfType struct(int id, String name, int size, boolean union, int count, boolean flag) {
    need(id, 12L * count);
    List<BtfType.Member> members = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      String member = string(id, in.getInt());
      int type = in.getInt();
      int offset = in.getInt();
      // kind_flag: the upper byte is the width of a bit field.
      members.add(
          flag
              ? new BtfType.Member(member, type, offset & 0xffffff, offset >>> 24)
              : new BtfType.Member(member, type, Integer.toUnsignedLong(offset), 0));
    }
    return new BtfType.Struct(name, Integer.toUnsignedLong(size), union, List.copyOf(members));
  }

  private BtfType enumeration(int id, String name, int size, int count, int each, boolean signed) {
    skip(id, (long) each * count);
    return new BtfType.Enumeration(name, size, signed);
  }

  private BtfType dataSection(int id, String name, int size, int count) {
    need(id, 12L * count);
    List<BtfType.SectionVariable> variables = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      variables.add(
          new BtfType.SectionVariable(
              in.getInt(),
              Integer.toUnsignedLong(in.getInt()),
              Integer.toUnsignedLong(in.getInt())));
    }
    return new BtfType.DataSection(name, Integer.toUnsignedLong(size), List.copyOf(variables));
  }

  private void skip(int id, long bytes) {
    need(id, bytes);
    in.position(in.position() + (int) bytes);
  }

  private void need(int id, long bytes) {
    if (in.remaining() < bytes) {
      throw new BtfException(
          "BTF ends inside type id %d: %d bytes needed, %d left"
              .formatted(id, bytes, in.remaining()));
    }
  }

  private String string(int id, int offset) {
    long start = stringsStart + Integer.toUnsignedLong(offset);
    if (start >= stringsEnd) {
      if (offset == 0) {
        return "";
      }
      throw new BtfException("the name of type id %d lies outside the strings".formatted(id));
    }
    int end = (int) start;
    while (section[end] != 0) {
      end++;
    }
    return new String(section, (int) start, end - (int) start, StandardCharsets.UTF_8);
  }
}
