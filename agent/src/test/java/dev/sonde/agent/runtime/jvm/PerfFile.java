package dev.sonde.agent.runtime.jvm;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/** Writes performance data files by hand, as HotSpot does. */
final class PerfFile {
  private final ByteOrder order;
  private final Map<String, Object> values = new LinkedHashMap<>();

  PerfFile(ByteOrder order) {
    this.order = order;
  }

  /** A JVM of G1 with the counters that Sonde shows; times in milliseconds. */
  static PerfFile g1(long young, long youngMillis, long safepoints, long safepointMillis) {
    return new PerfFile(ByteOrder.LITTLE_ENDIAN)
        .put("java.property.java.version", "25.0.3")
        .put("java.property.java.vm.vendor", "Eclipse Adoptium")
        .put("sun.os.hrt.frequency", 1_000_000_000L)
        .put("sun.gc.collector.0.name", "G1 young collection pauses")
        .put("sun.gc.collector.0.invocations", young)
        .put("sun.gc.collector.0.time", youngMillis * 1_000_000)
        .put("sun.gc.generation.0.capacity", 8192L + 24)
        .put("sun.gc.generation.0.maxCapacity", 1048576L + 24)
        .put("sun.gc.generation.0.space.0.used", 100L)
        .put("sun.gc.generation.1.capacity", 4096L + 8)
        .put("sun.gc.generation.1.maxCapacity", 1048576L + 8)
        .put("sun.gc.generation.1.space.0.used", 11L)
        .put("sun.rt.safepoints", safepoints)
        .put("sun.rt.safepointTime", safepointMillis * 1_000_000)
        .put("sun.rt.safepointSyncTime", 500_000L);
  }

  PerfFile put(String name, Object value) {
    values.put(name, value);
    return this;
  }

  ByteBuffer bytes() {
    ByteBuffer b = ByteBuffer.allocate(32 * 1024).order(order);
    b.put(new byte[] {(byte) 0xca, (byte) 0xfe, (byte) 0xc0, (byte) 0xc0});
    b.put((byte) (order.equals(ByteOrder.BIG_ENDIAN) ? 0 : 1)).put((byte) 2).put((byte) 0);
    b.put((byte) 1);
    b.putInt(24, 32).putInt(28, values.size()).position(32);
    values.forEach((name, value) -> entry(b, name, value));
    b.putInt(8, b.position());
    return b.rewind();
  }

  byte[] array() {
    return bytes().array();
  }

  private static void entry(ByteBuffer b, String name, Object value) {
    int start = b.position();
    int data = 20 + (name.length() / 8 + 1) * 8;
    byte[] text = value instanceof String s ? (s + "\0").getBytes(StandardCharsets.UTF_8) : null;
    int size = text == null ? 8 : (text.length + 7) / 8 * 8;
    b.putInt(data + size).putInt(20).putInt(text == null ? 0 : text.length);
    b.put((byte) (text == null ? 'J' : 'B')).put((byte) 0).put((byte) 1).put((byte) 1);
    b.putInt(data).put(name.getBytes(StandardCharsets.US_ASCII));
    b.position(start + data);
    if (text == null) {
      b.putLong((Long) value);
    } else {
      b.put(text);
    }
    b.position(start + data + size);
  }
}
