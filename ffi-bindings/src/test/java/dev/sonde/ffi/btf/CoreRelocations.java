package dev.sonde.ffi.btf;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * The CO-RE relocations of fields in a compiled object, and what a kernel's types make of them.
 *
 * <p>Format: {@code .BTF.ext}, Documentation/bpf/btf.rst; kinds: {@code enum bpf_core_relo_kind} of
 * linux/bpf.h.
 */
final class CoreRelocations {
  private static final int BYTE_OFFSET = 0;
  private static final int BYTE_SIZE = 1;
  private static final int EXISTS = 2;
  private static final int LAST_OF_FIELDS = 5;

  /** A field that is accessed: its type's name and the members on the way to it. */
  private record Field(String type, List<String> members, long size) {
    String text() {
      return type + "." + String.join(".", members);
    }
  }

  private final Btf types;
  private final ByteBuffer btf;
  private final int strings;
  private final Map<String, Field> used = new HashMap<>();
  private final Set<String> asked = new HashSet<>();
  private final Set<String> sized = new HashSet<>();
  private int count;

  CoreRelocations(byte[] elf) throws BtfException {
    types = Btf.ofObject(elf);
    btf = ByteBuffer.wrap(Elf.section(elf, ".BTF")).order(ByteOrder.LITTLE_ENDIAN);
    strings = btf.getInt(4) + btf.getInt(16);
    ByteBuffer ext = ByteBuffer.wrap(Elf.section(elf, ".BTF.ext")).order(ByteOrder.LITTLE_ENDIAN);
    if (ext.getInt(4) < 32 || ext.getInt(28) == 0) {
      return; // it reads no kernel types
    }
    int at = ext.getInt(4) + ext.getInt(24);
    int end = at + ext.getInt(28);
    int size = ext.getInt(at);
    at += 4;
    while (at < end) {
      int records = ext.getInt(at + 4);
      at += 8;
      for (int i = 0; i < records; i++, at += size) {
        add(ext.getInt(at + 4), string(ext.getInt(at + 8)), ext.getInt(at + 12));
      }
    }
  }

  /** How many relocations of fields there are. */
  int count() {
    return count;
  }

  private void add(int type, String access, int kind) throws BtfException {
    if (kind > LAST_OF_FIELDS) {
      return; // types and enumerators
    }
    count++;
    Field field = field(type, access);
    switch (kind) {
      case BYTE_OFFSET -> used.put(field.text(), field);
      case BYTE_SIZE -> sized.add(field.text());
      case EXISTS -> asked.add(field.text());
      default -> {
        // shifts of a bit field come with its offset
      }
    }
  }

  private Field field(int type, String access) throws BtfException {
    BtfType at = types.resolve(type);
    String root = at.name();
    List<String> members = new ArrayList<>();
    String[] indices = access.split(":");
    for (int i = 1; i < indices.length; i++) {
      int index = Integer.parseInt(indices[i]);
      switch (at) {
        case BtfType.Struct s -> {
          BtfType.Member member = s.members().get(index);
          if (!member.name().isEmpty()) {
            members.add(member.name());
          }
          at = types.resolve(member.type());
        }
        case BtfType.Array a -> at = types.resolve(a.element());
        default -> throw new BtfException("access " + access + " of " + root);
      }
    }
    return new Field(root, members, at instanceof BtfType.Int i ? i.size() : 0);
  }

  private String string(int offset) {
    int start = strings + offset;
    int end = start;
    while (btf.get(end) != 0) {
      end++;
    }
    return new String(btf.array(), start, end - start, StandardCharsets.UTF_8);
  }

  /**
   * What a kernel lacks that is read without asking whether it is there, and integers that it has
   * in another size than the one that is read. Fields of flavours ({@code name___suffix}) are of
   * some kernels only by their nature.
   */
  Set<String> against(Btf kernel) throws BtfException {
    Map<String, BtfType.Struct> structs = new HashMap<>();
    for (BtfType type : kernel.types()) {
      if (type instanceof BtfType.Struct s && !s.name().isEmpty()) {
        structs.putIfAbsent(s.name(), s);
      }
    }
    Set<String> found = new TreeSet<>();
    for (Field field : used.values()) {
      String flavour = field.type();
      int suffix = flavour.indexOf("___");
      BtfType.@Nullable Struct at =
          structs.get(suffix < 0 ? flavour : flavour.substring(0, suffix));
      BtfType end = at;
      for (String name : field.members()) {
        BtfType.Member member = end instanceof BtfType.Struct s ? member(kernel, s, name) : null;
        end = member == null ? null : element(kernel, kernel.resolve(member.type()));
        if (end == null) {
          break;
        }
      }
      if (end == null) {
        if (suffix < 0 && !asked.contains(field.text())) {
          found.add(field.text() + " missing");
        }
      } else if (end instanceof BtfType.Int i
          && field.size() != 0
          && i.size() != field.size()
          && !sized.contains(field.text())) {
        found.add(field.text() + " has " + i.size() + " bytes, not " + field.size());
      }
    }
    return found;
  }

  private static BtfType element(Btf kernel, BtfType type) throws BtfException {
    return type instanceof BtfType.Array a ? element(kernel, kernel.resolve(a.element())) : type;
  }

  /** Also in the anonymous structs and unions of a struct. */
  private static BtfType.@Nullable Member member(Btf kernel, BtfType.Struct struct, String name)
      throws BtfException {
    for (BtfType.Member m : struct.members()) {
      if (m.name().equals(name)) {
        return m;
      }
      if (m.name().isEmpty() && kernel.resolve(m.type()) instanceof BtfType.Struct inner) {
        BtfType.Member found = member(kernel, inner, name);
        if (found != null) {
          return found;
        }
      }
    }
    return null;
  }
}
