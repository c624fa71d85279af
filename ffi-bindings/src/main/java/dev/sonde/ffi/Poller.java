package dev.sonde.ffi;

import dev.sonde.ffi.internal.Descriptor;
import dev.sonde.ffi.internal.Downcalls;
import dev.sonde.ffi.internal.LibC;
import dev.sonde.ffi.internal.Native;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Waits in poll(2) for some descriptors or a wake-up through an eventfd. poll rather than epoll:
 * {@code pollfd} is the same on both architectures, {@code epoll_event} is not.
 */
final class Poller implements AutoCloseable {
  // Automatic: a wait may still be in the kernel with these when another thread closes.
  private final Arena arena = Arena.ofAuto();
  private final MemorySegment capture = Downcalls.newCapture(arena);
  private final MemorySegment counter = arena.allocate(8, 8);
  private final MemorySegment pollfds;
  private final int count;
  private final Descriptor eventfd;

  /** Waits for {@code fds}, which stay the caller's. */
  Poller(int... fds) {
    count = fds.length + 1;
    pollfds = arena.allocate(count * LibC.POLLFD_SIZE, 8);
    int fd = LibC.eventfd(capture, 0, LibC.EFD_CLOEXEC | LibC.EFD_NONBLOCK);
    if (fd < 0) {
      throw new BpfException("create an eventfd", Errno.ofResult(fd), "raise the open files limit");
    }
    eventfd = new Descriptor(fd);
    set(0, fd);
    for (int i = 0; i < fds.length; i++) {
      set(i + 1, fds[i]);
    }
  }

  private void set(int index, int fd) {
    Native.i32(pollfds, index * LibC.POLLFD_SIZE, fd);
    pollfds.set(ValueLayout.JAVA_SHORT, index * LibC.POLLFD_SIZE + 4, LibC.POLLIN);
  }

  /** Returns on data, wake-up, time-out or signal. */
  void await(int timeoutMillis) {
    int ready = LibC.poll(capture, pollfds, count, timeoutMillis);
    if (ready < 0 && ready != -Errno.EINTR.number()) {
      throw new BpfException("poll", Errno.ofResult(ready), "");
    }
    boolean woken = ready > 0 && pollfds.get(ValueLayout.JAVA_SHORT, 6) != 0;
    if (woken) {
      // Back to zero; EAGAIN only if there was nothing, which is as good.
      long ignored = LibC.read(capture, eventfd.fd(), counter, 8);
      assert ignored <= 8;
    }
  }

  /** Makes the running or the next wait return. */
  void wake() {
    // The lock keeps the number from being closed, and reused by others, in between.
    synchronized (eventfd) {
      if (eventfd.fd() >= 0) {
        try (Arena call = Arena.ofConfined()) {
          MemorySegment one = call.allocateFrom(ValueLayout.JAVA_LONG, 1);
          long ignored = LibC.write(Downcalls.newCapture(call), eventfd.fd(), one, 8);
          assert ignored <= 8;
        }
      }
    }
  }

  @Override
  public void close() {
    eventfd.close();
  }
}
