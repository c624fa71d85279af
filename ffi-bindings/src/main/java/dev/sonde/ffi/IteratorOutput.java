package dev.sonde.ffi;

import dev.sonde.ffi.internal.Descriptor;
import dev.sonde.ffi.internal.Downcalls;
import dev.sonde.ffi.internal.LibBpf;
import dev.sonde.ffi.internal.LibC;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Reads what a BPF iterator writes, from its start to its end. */
final class IteratorOutput {
  private static final int CHUNK = 64 << 10;

  private IteratorOutput() {}

  static byte[] read(String name, int linkFd) {
    int fd = LibBpf.bpf_iter_create(linkFd);
    if (fd < 0) {
      throw new BpfException("create iterator " + name, Errno.ofResult(fd), "");
    }
    try (Descriptor iterator = new Descriptor(fd);
        Arena arena = Arena.ofConfined()) {
      MemorySegment capture = Downcalls.newCapture(arena);
      MemorySegment chunk = arena.allocate(CHUNK);
      ByteArrayOutputStream all = new ByteArrayOutputStream();
      while (true) {
        long count = LibC.read(capture, iterator.fd(), chunk, CHUNK);
        if (count == 0) {
          return all.toByteArray();
        }
        if (count > 0) {
          all.writeBytes(chunk.asSlice(0, count).toArray(ValueLayout.JAVA_BYTE));
          continue;
        }
        Errno errno = Errno.ofResult(count);
        // EAGAIN: the kernel gave up its turn after a million objects (bpf_seq_read) and goes on.
        if (!errno.equals(Errno.EAGAIN) && !errno.equals(Errno.EINTR)) {
          throw new BpfException("read iterator " + name, errno, "");
        }
      }
    }
  }
}
