package dev.sonde.ffi.btf;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The types of one BTF section ({@code Documentation/bpf/btf.rst}), immutable.
 *
 * {@snippet :
 * Btf btf = Btf.ofObject(Files.readAllBytes(path));
 * long size = btf.size(btf.struct("retransmit_event").orElseThrow());
 * }
 */
public final class Btf {
  /** The kernel resolves no deeper either (MAX_RESOLVE_DEPTH). */
  private static final int MAX_DEPTH = 32;

  private final List<BtfType> types;

  Btf(List<BtfType> types) {
    this.types = List.copyOf(types);
  }

  /** No types but void. */
  public static Btf empty() {
    return new Btf(List.of(new BtfType.NoType()));
  }

  /**
   * Parses the bytes of a {@code .BTF} section, little-endian.
   *
   * @throws BtfException they are not valid BTF
   */
  public static Btf parse(byte[] section) throws BtfException {
    return new BtfParser(section).parse();
  }

  /**
   * Parses the {@code .BTF} section of a compiled object.
   *
   * @throws BtfException it is not a 64-bit little-endian ELF file with valid BTF
   */
  public static Btf ofObject(byte[] elf) throws BtfException {
    return parse(Elf.section(elf, ".BTF"));
  }

  /** All types; the index is the id. */
  public List<BtfType> types() {
    return types;
  }

  /**
   * The type of an id.
   *
   * @throws BtfException the id is out of range
   */
  public BtfType type(int id) throws BtfException {
    if (id < 0 || id >= types.size()) {
      throw new BtfException("type id %d is not among %d types".formatted(id, types.size()));
    }
    return types.get(id);
  }

  /** The type behind typedefs and qualifiers. */
  public BtfType resolve(int id) throws BtfException {
    BtfType type = type(id);
    for (int depth = 0; type instanceof BtfType.Alias alias; depth++) {
      if (depth == MAX_DEPTH) {
        throw new BtfException("type id %d is a chain of more than %d names".formatted(id, depth));
      }
      type = type(alias.target());
    }
    return type;
  }

  /** The struct or union of that name, directly or behind a typedef. */
  public Optional<BtfType.Struct> struct(String name) throws BtfException {
    for (BtfType type : types) {
      if (type instanceof BtfType.Struct struct && struct.name().equals(name)) {
        return Optional.of(struct);
      }
    }
    for (BtfType type : types) {
      if (type instanceof BtfType.Alias alias
          && alias.name().equals(name)
          && resolve(alias.target()) instanceof BtfType.Struct struct) {
        return Optional.of(struct);
      }
    }
    return Optional.empty();
  }

  /** Names of all structs and unions, for messages. */
  public List<String> structNames() {
    List<String> names = new ArrayList<>();
    for (BtfType type : types) {
      if (type instanceof BtfType.Struct struct && !struct.name().isEmpty()) {
        names.add(struct.name());
      }
    }
    return names;
  }

  /** Bytes of a value of this type. */
  public long size(BtfType type) throws BtfException {
    return size(type, 0);
  }

  private long size(BtfType type, int depth) {
    if (depth == MAX_DEPTH) {
      throw new BtfException("type " + type.name() + " is nested more than " + depth + " deep");
    }
    return switch (type) {
      case BtfType.Int i -> i.size();
      case BtfType.Enumeration e -> e.size();
      case BtfType.Pointer ignored -> 8;
      case BtfType.Struct s -> s.size();
      case BtfType.Alias a -> size(type(a.target()), depth + 1);
      case BtfType.Array a -> {
        long element = size(type(a.element()), depth + 1);
        if (element != 0 && a.count() > Integer.MAX_VALUE / element) {
          throw new BtfException("an array of %d times %d bytes".formatted(a.count(), element));
        }
        yield a.count() * element;
      }
      case BtfType.DataSection d -> d.size();
      case BtfType.Variable v -> size(type(v.type()), depth + 1);
      case BtfType.NoType v -> throw new BtfException(v.name() + " has no size");
      case BtfType.Other o -> throw new BtfException("kind %d has no size".formatted(o.kind()));
    };
  }
}
