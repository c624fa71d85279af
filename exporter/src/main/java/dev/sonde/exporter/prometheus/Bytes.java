package dev.sonde.exporter.prometheus;

import java.io.OutputStream;
import java.util.Arrays;

/**
 * A growing array of bytes that is written once a scrape and used again for the next.
 *
 * <pre>{@code
 * Bytes out = new Bytes(1024);
 * out.ascii("up ").decimal(1).put('\n');
 * channel.write(out.array(), 0, out.length());
 * out.clear();
 * }</pre>
 *
 * <p>Owned by one thread at a time; the array is replaced as it grows, so callers read {@link
 * #array} after the last write.
 */
public final class Bytes {
  /** What the JVM certainly allows an array to be. */
  private static final int MAX = Integer.MAX_VALUE - 8;

  /** Where doubling begins to cost more than copying: a page of thousands of series. */
  private static final int LARGE = 1 << 20;

  private byte[] bytes;
  private int length;

  public Bytes(int capacity) {
    this.bytes = new byte[capacity];
  }

  /** The content is in {@code [0, length())}. */
  public byte[] array() {
    return bytes;
  }

  public int length() {
    return length;
  }

  public int capacity() {
    return bytes.length;
  }

  public void clear() {
    length = 0;
  }

  public Bytes put(int b) {
    if (length == bytes.length) {
      grow(1);
    }
    bytes[length++] = (byte) b;
    return this;
  }

  public Bytes put(byte[] src) {
    return put(src, 0, src.length);
  }

  public Bytes put(byte[] src, int offset, int count) {
    if (count > bytes.length - length) {
      grow(count);
    }
    System.arraycopy(src, offset, bytes, length, count);
    length += count;
    return this;
  }

  /** Appends text that is known to be ASCII. */
  public Bytes ascii(String s) {
    int n = s.length();
    if (n > bytes.length - length) {
      grow(n);
    }
    for (int i = 0; i < n; i++) {
      bytes[length++] = (byte) s.charAt(i);
    }
    return this;
  }

  /** Appends {@code value} in decimal, without allocating. */
  public Bytes decimal(long value) {
    if (value == Long.MIN_VALUE) {
      return ascii("-9223372036854775808");
    }
    if (20 > bytes.length - length) {
      grow(20);
    }
    if (value < 0) {
      bytes[length++] = '-';
      value = -value;
    }
    int end = length + digits(value);
    length = end;
    do {
      bytes[--end] = (byte) ('0' + value % 10);
      value /= 10;
    } while (value != 0);
    return this;
  }

  /** A copy that nobody writes again. */
  public byte[] toArray() {
    return Arrays.copyOf(bytes, length);
  }

  /** A stream that appends here; closing it does nothing. */
  public OutputStream stream() {
    return new OutputStream() {
      @Override
      public void write(int b) {
        put(b);
      }

      @Override
      public void write(byte[] src, int offset, int count) {
        put(src, offset, count);
      }
    };
  }

  private static int digits(long positive) {
    int n = 1;
    for (long limit = 10; n < 19 && positive >= limit; n++) {
      limit *= 10;
    }
    return n;
  }

  private void grow(int more) {
    long needed = (long) length + more;
    if (needed > MAX) {
      throw new IllegalStateException(
          "exposition larger than " + MAX + " bytes; lower the series cap");
    }
    long roomy = bytes.length < LARGE ? 2L * bytes.length : bytes.length + bytes.length / 4L;
    bytes = Arrays.copyOf(bytes, (int) Math.min(MAX, Math.max(needed, roomy)));
  }
}
