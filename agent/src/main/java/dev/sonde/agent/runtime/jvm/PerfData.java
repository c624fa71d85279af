package dev.sonde.agent.runtime.jvm;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The directory of a HotSpot performance data file: which counter is where.
 *
 * <pre>{@code
 * PerfData data = PerfData.parse(bytes);
 * int at = data.offsetOfLong("sun.rt.safepoints");   // -1 if it has none
 * }</pre>
 *
 * <p>The bytes come out of a pod and are believed in nothing: every offset and length is checked
 * against the file, entries and names are limited in number and length.
 *
 * <p>Immutable. Source of the format: HotSpot's {@code perfMemory.hpp}, version 2.0, the same from
 * JDK 5 on. A prologue of 32 bytes (magic ca fe c0 c0, byte order, version, accessible, used,
 * overflow, time stamp, offset of the first entry, number of entries), then entries of 20 bytes
 * (length, offset of the name, vector length, type, flags, unit, variability, offset of the data)
 * each with its name and value behind it.
 */
final class PerfData {
  /** Larger than any real file: the JVM's own default is 32 KB. */
  static final int MAX_BYTES = 1 << 20;

  private static final int PROLOGUE = 32;
  private static final int ENTRY = 20;
  private static final int MAX_ENTRIES = 4096;
  private static final int MAX_NAME = 128;
  private static final int MAGIC = 0xcafec0c0;

  /** Why bytes are no performance data (yet). */
  static final class FormatException extends Exception {
    private static final long serialVersionUID = 1L;

    FormatException(String message) {
      super(message);
    }
  }

  private record Value(char type, int offset, int length) {}

  private final ByteOrder order;
  private final Map<String, Value> values = new HashMap<>();
  private final ByteBuffer bytes;

  private PerfData(ByteBuffer bytes, ByteOrder order) {
    this.bytes = bytes;
    this.order = order;
  }

  /**
   * @param file the file's first bytes, from position 0 to the limit
   * @throws FormatException if it is no performance data, or the JVM has not finished writing it
   */
  static PerfData parse(ByteBuffer file) throws FormatException {
    ByteBuffer b = file.duplicate().order(ByteOrder.BIG_ENDIAN);
    if (b.limit() < PROLOGUE) {
      throw new FormatException("only " + b.limit() + " bytes");
    }
    if (b.getInt(0) != MAGIC) {
      throw new FormatException("no performance data: magic " + Integer.toHexString(b.getInt(0)));
    }
    ByteOrder order = b.get(4) == 0 ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN;
    b.order(order);
    if (b.get(5) != 2) {
      throw new FormatException("performance data of version " + b.get(5) + ", expected 2");
    }
    if (b.get(7) == 0) {
      throw new FormatException("the JVM is still starting");
    }
    PerfData data = new PerfData(b, order);
    data.walk(b.getInt(24), b.getInt(28), Math.min(b.getInt(8), b.limit()));
    return data;
  }

  private void walk(int first, int entries, int end) throws FormatException {
    if (first < PROLOGUE || entries < 0 || entries > MAX_ENTRIES) {
      throw new FormatException(entries + " entries from offset " + first);
    }
    int at = first;
    for (int i = 0; i < entries; i++) {
      if (at > end - ENTRY) {
        throw new FormatException("entry " + i + " at " + at + " is beyond the end, " + end);
      }
      int length = bytes.getInt(at);
      if (length < ENTRY || length > end - at) {
        throw new FormatException("entry " + i + " at " + at + " has length " + length);
      }
      entry(at, length);
      at += length;
    }
  }

  private void entry(int at, int length) {
    String name = text(at, bytes.getInt(at + 4), length, MAX_NAME);
    int vector = bytes.getInt(at + 8);
    char type = (char) bytes.get(at + 12);
    int data = bytes.getInt(at + 16);
    int size = vector > 0 ? vector : 8;
    // A vector of anything but bytes is of no use here, nor is a name or value outside its entry.
    boolean known = (type == 'J' && vector == 0) || (type == 'B' && vector > 0);
    if (name != null && known && data >= ENTRY && data <= length && size <= length - data) {
      values.put(name, new Value(type, at + data, size));
    }
  }

  /** The zero-terminated ASCII text at {@code at + offset}, null if it is not within the entry. */
  private @Nullable String text(int at, int offset, int length, int max) {
    if (offset < ENTRY || offset >= length) {
      return null;
    }
    int limit = Math.min(length - offset, max);
    byte[] name = new byte[limit];
    for (int i = 0; i < limit; i++) {
      name[i] = bytes.get(at + offset + i);
      if (name[i] == 0) {
        return new String(name, 0, i, StandardCharsets.ISO_8859_1);
      }
    }
    return null;
  }

  ByteOrder order() {
    return order;
  }

  /** Where the 64-bit value {@code name} is in the file, or -1. */
  int offsetOfLong(String name) {
    Value v = values.get(name);
    return v != null && v.type == 'J' ? v.offset : -1;
  }

  /** The 64-bit value {@code name} as it was when parsed, or {@code otherwise}. */
  long longValue(String name, long otherwise) {
    int at = offsetOfLong(name);
    return at < 0 ? otherwise : bytes.getLong(at);
  }

  /** The text {@code name} as it was when parsed, at most 256 bytes of it; empty if it has none. */
  String string(String name) {
    Value v = values.get(name);
    if (v == null || v.type != 'B') {
      return "";
    }
    byte[] text = new byte[Math.min(v.length, 256)];
    int n = 0;
    while (n < text.length && bytes.get(v.offset + n) != 0) {
      text[n] = bytes.get(v.offset + n);
      n++;
    }
    return new String(text, 0, n, StandardCharsets.UTF_8);
  }
}
