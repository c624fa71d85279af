package dev.sonde.ffi.internal;

import java.lang.foreign.Arena;

/** A file descriptor that is closed once, whoever asks and how often. Thread-safe. */
public final class Descriptor implements AutoCloseable {
  private int fd;

  /** Takes ownership of {@code fd}. */
  public Descriptor(int fd) {
    this.fd = fd;
  }

  /** The number; -1 after close. */
  public synchronized int fd() {
    return fd;
  }

  @Override
  public synchronized void close() {
    if (fd >= 0) {
      close(fd);
      fd = -1;
    }
  }

  /** close(2); Linux frees the number even when it reports an error, so there is nothing to do. */
  public static void close(int fd) {
    try (Arena arena = Arena.ofConfined()) {
      int ignored = LibC.close(Downcalls.newCapture(arena), fd);
      assert ignored <= 0;
    }
  }
}
