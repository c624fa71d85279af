package dev.sonde.ffi;

import dev.sonde.ffi.internal.LibBpf;
import java.lang.foreign.MemorySegment;

/**
 * An attached program; closing it detaches. It ends with the process too, so nothing stays behind
 * after SIGKILL. Closing twice is harmless. Thread-safe.
 */
public final class BpfLink implements AutoCloseable {
  private final String program;
  private final MemorySegment handle;
  private boolean closed;

  BpfLink(String program, MemorySegment handle) {
    this.program = program;
    this.handle = handle;
  }

  synchronized int fd() {
    if (closed) {
      throw new IllegalStateException("the link of program " + program + " is closed");
    }
    return LibBpf.bpf_link__fd(handle);
  }

  @Override
  public synchronized void close() {
    if (!closed) {
      closed = true;
      // It frees the link whatever it returns; there is nothing left to do about an error.
      int ignored = LibBpf.bpf_link__destroy(handle);
      assert ignored <= 0;
    }
  }

  @Override
  public String toString() {
    return "BpfLink " + program;
  }
}
