package dev.sonde.ffi.btf;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Finds a section of a 64-bit little-endian ELF file by name; elf(5). */
final class Elf {
  private static final int HEADER = 64;
  private static final int SECTION_HEADER = 64;
  private static final int SHT_NOBITS = 8;

  private Elf() {}

  static byte[] section(byte[] file, String wanted) {
    if (file.length < HEADER
        || file[0] != 0x7f
        || file[1] != 'E'
        || file[2] != 'L'
        || file[3] != 'F'
        || file[4] != 2
        || file[5] != 1) {
      throw new BtfException("not a 64-bit little-endian ELF file");
    }
    ByteBuffer in = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
    long table = in.getLong(40);
    int count = Short.toUnsignedInt(in.getShort(60));
    int namesIndex = Short.toUnsignedInt(in.getShort(62));
    long tableSize = (long) count * SECTION_HEADER;
    if (in.getShort(58) != SECTION_HEADER
        || table < 0
        || table > file.length - tableSize
        || namesIndex >= count) {
      throw new BtfException("the ELF section table lies outside the file");
    }
    byte[] names = content(file, in, (int) table + namesIndex * SECTION_HEADER);
    for (int i = 0; i < count; i++) {
      int header = (int) table + i * SECTION_HEADER;
      if (name(names, in.getInt(header)).equals(wanted)) {
        return content(file, in, header);
      }
    }
    throw new BtfException("the ELF file has no section " + wanted + "; compile it with -g");
  }

  private static byte[] content(byte[] file, ByteBuffer in, int header) {
    if (in.getInt(header + 4) == SHT_NOBITS) {
      return new byte[0];
    }
    long offset = in.getLong(header + 24);
    long size = in.getLong(header + 32);
    if (offset < 0 || size < 0 || size > in.limit() || offset > in.limit() - size) {
      throw new BtfException("an ELF section lies outside the file");
    }
    return Arrays.copyOfRange(file, (int) offset, (int) (offset + size));
  }

  private static String name(byte[] names, int offset) {
    int end = offset;
    while (end >= 0 && end < names.length && names[end] != 0) {
      end++;
    }
    return offset < 0 || offset >= names.length
        ? ""
        : new String(names, offset, end - offset, StandardCharsets.UTF_8);
  }
}
