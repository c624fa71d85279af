package dev.sonde.ffi;

import dev.sonde.ffi.internal.Downcalls;
import dev.sonde.ffi.internal.LibBpf;
import dev.sonde.ffi.internal.LibC;
import dev.sonde.ffi.internal.Memory;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;

/**
 * Where the verifier writes while an object loads. libbpf asks for a log only after a refusal and
 * then loads that program again, so each program gets its own stretch of address space: pages cost
 * nothing until written, and the stretch that is written names the program.
 */
final class LogBuffers implements AutoCloseable {
  /** As much as libbpf itself would grow to (bpf_log_buf in libbpf.c): a full log, untruncated. */
  private static final long STRETCH = 16L << 20;

  /** A refused program with what the verifier said. */
  record Refusal(String program, String section, String log) {}

  private final Arena arena = Arena.ofConfined();
  private final List<BpfProgram> programs;
  private final MemorySegment memory;

  LogBuffers(List<BpfProgram> programs) {
    this.programs = programs;
    this.memory = map(Math.max(1, programs.size()) * STRETCH);
    for (int i = 0; i < programs.size() && memory.byteSize() > 0; i++) {
      // Refused only for a program that is loaded already.
      int result = LibBpf.bpf_program__set_log_buf(programs.get(i).handle(), stretch(i), STRETCH);
      assert result == 0;
    }
  }

  /** The program that the verifier refused, if it was the verifier. */
  Optional<Refusal> refusal() {
    for (int i = 0; i < programs.size() && memory.byteSize() > 0; i++) {
      String log = text(stretch(i));
      if (!log.isBlank()) {
        return Optional.of(new Refusal(programs.get(i).name(), programs.get(i).section(), log));
      }
    }
    return Optional.empty();
  }

  /** Without room for logs a load still works; it only explains less. */
  private MemorySegment map(long size) {
    MemorySegment mapped =
        LibC.mmap(
            Downcalls.newCapture(arena),
            MemorySegment.NULL,
            size,
            LibC.PROT_READ | LibC.PROT_WRITE,
            LibC.MAP_PRIVATE | LibC.MAP_ANONYMOUS | LibC.MAP_NORESERVE,
            -1,
            0);
    return LibC.isError(mapped) ? MemorySegment.NULL : Memory.unchecked(mapped, size);
  }

  private MemorySegment stretch(int program) {
    return memory.asSlice(program * STRETCH, STRETCH);
  }

  private static String text(MemorySegment stretch) {
    long length = 0;
    while (length < STRETCH && stretch.get(ValueLayout.JAVA_BYTE, length) != 0) {
      length++;
    }
    byte[] bytes = stretch.asSlice(0, length).toArray(ValueLayout.JAVA_BYTE);
    return new String(bytes, StandardCharsets.UTF_8);
  }

  @Override
  public void close() {
    for (BpfProgram program : programs) {
      int ignored = LibBpf.bpf_program__set_log_buf(program.handle(), MemorySegment.NULL, 0);
      assert ignored <= 0;
    }
    if (memory.byteSize() > 0) {
      int ignored = LibC.munmap(Downcalls.newCapture(arena), memory, memory.byteSize());
      assert ignored == 0;
    }
    arena.close();
  }
}
